#include "bench/load/measure_shape.h"

#include <utility>

#include <grpcpp/client_context.h>

#include "banyandb/database/v1/rpc.grpc.pb.h"
#include "bench/load/channel.h"

namespace ficus::load {
namespace {

namespace common = banyandb::common::v1;
namespace database = banyandb::database::v1;

// Longer than a node needs to create one object while it is under load.
constexpr std::chrono::seconds kPatience{30};

// Sets a deadline; the first call of a fresh client waits for the connection.
void Prepare(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  context.set_wait_for_ready(true);
}

// Somebody else may have created it in between.
Result<> Created(const grpc::Status& status, const std::string& what) {
  if (status.ok() || status.error_code() == grpc::StatusCode::ALREADY_EXISTS) return {};
  return ErrorOf(status, "create " + what);
}

Result<bool> GroupExists(const std::shared_ptr<grpc::Channel>& channel, const std::string& group) {
  database::GroupRegistryServiceExistRequest request;
  request.set_group(group);
  grpc::ClientContext context;
  Prepare(context);
  database::GroupRegistryServiceExistResponse response;
  const grpc::Status status =
      database::GroupRegistryService::NewStub(channel)->Exist(&context, request, &response);
  if (!status.ok()) return ErrorOf(status, "look for group " + group);
  return response.has_group();
}

Result<bool> MeasureExists(const std::shared_ptr<grpc::Channel>& channel, const std::string& group,
                           const std::string& name) {
  database::MeasureRegistryServiceExistRequest request;
  request.mutable_metadata()->set_group(group);
  request.mutable_metadata()->set_name(name);
  grpc::ClientContext context;
  Prepare(context);
  database::MeasureRegistryServiceExistResponse response;
  const grpc::Status status =
      database::MeasureRegistryService::NewStub(channel)->Exist(&context, request, &response);
  if (!status.ok()) return ErrorOf(status, "look for measure " + name);
  return response.has_measure();
}

void FillInterval(common::IntervalRule& rule, uint32_t days) {
  rule.set_unit(common::IntervalRule::UNIT_DAY);
  rule.set_num(days);
}

Result<> CreateGroup(const std::shared_ptr<grpc::Channel>& channel, const GroupShape& shape) {
  database::GroupRegistryServiceCreateRequest request;
  common::Group& group = *request.mutable_group();
  group.mutable_metadata()->set_name(shape.name);
  group.set_catalog(common::CATALOG_MEASURE);
  common::ResourceOpts& options = *group.mutable_resource_opts();
  options.set_shard_num(shape.shards);
  FillInterval(*options.mutable_segment_interval(), 1);
  FillInterval(*options.mutable_ttl(), shape.ttl_days);
  grpc::ClientContext context;
  Prepare(context);
  database::GroupRegistryServiceCreateResponse response;
  const grpc::Status status =
      database::GroupRegistryService::NewStub(channel)->Create(&context, request, &response);
  return Created(status, "group " + shape.name);
}

Result<> CreateMeasure(const std::shared_ptr<grpc::Channel>& channel, const std::string& group,
                       const MeasureShape& shape) {
  database::MeasureRegistryServiceCreateRequest request;
  database::Measure& measure = *request.mutable_measure();
  measure.mutable_metadata()->set_group(group);
  measure.mutable_metadata()->set_name(shape.name);
  measure.set_interval(shape.interval);
  database::TagFamilySpec& family = *measure.add_tag_families();
  family.set_name(shape.tag_family);
  for (size_t i = 0; i < shape.tags.size(); ++i) {
    database::TagSpec& tag = *family.add_tags();
    tag.set_name(shape.tags[i]);
    tag.set_type(database::TAG_TYPE_STRING);
    if (i < shape.entity_tags) measure.mutable_entity()->add_tag_names(shape.tags[i]);
  }
  for (const FieldShape& field : shape.fields) {
    database::FieldSpec& spec = *measure.add_fields();
    spec.set_name(field.name);
    spec.set_field_type(field.kind == FieldKind::kInt ? database::FIELD_TYPE_INT
                                                      : database::FIELD_TYPE_FLOAT);
    spec.set_encoding_method(database::ENCODING_METHOD_GORILLA);
    spec.set_compression_method(database::COMPRESSION_METHOD_ZSTD);
  }
  grpc::ClientContext context;
  Prepare(context);
  database::MeasureRegistryServiceCreateResponse response;
  const grpc::Status status =
      database::MeasureRegistryService::NewStub(channel)->Create(&context, request, &response);
  return Created(status, "measure " + shape.name);
}

// Position of `name` among the entity's tags, or none.
bool IsEntityTag(const database::Measure& measure, const std::string& name) {
  for (const std::string& tag : measure.entity().tag_names()) {
    if (tag == name) return true;
  }
  return false;
}

Result<MeasureShape> ShapeOf(const database::Measure& measure) {
  if (measure.tag_families_size() != 1) {
    return Error{ErrorCode::kFailedPrecondition, "it has several tag families"};
  }
  const database::TagFamilySpec& family = measure.tag_families(0);
  MeasureShape shape{measure.metadata().name(), family.name(), {}, 0, {}, measure.interval()};
  for (const database::TagSpec& tag : family.tags()) {
    if (tag.type() != database::TAG_TYPE_STRING) {
      return Error{ErrorCode::kFailedPrecondition, "tag " + tag.name() + " is no string"};
    }
    shape.tags.push_back(tag.name());
    if (IsEntityTag(measure, tag.name())) ++shape.entity_tags;
  }
  for (const database::FieldSpec& field : measure.fields()) {
    if (field.field_type() != database::FIELD_TYPE_INT &&
        field.field_type() != database::FIELD_TYPE_FLOAT) {
      return Error{ErrorCode::kFailedPrecondition, "field " + field.name() + " is no number"};
    }
    const bool is_int = field.field_type() == database::FIELD_TYPE_INT;
    shape.fields.push_back({field.name(), is_int ? FieldKind::kInt : FieldKind::kFloat});
  }
  return shape;
}

}  // namespace

// Looks before it creates: a node that takes no writes refuses to create even what is there.
Result<> EnsureSchema(const std::shared_ptr<grpc::Channel>& channel, const GroupShape& group,
                      const std::vector<MeasureShape>& measures) {
  ASSIGN_OR_RETURN(const bool group_exists, GroupExists(channel, group.name));
  if (!group_exists) RETURN_IF_ERROR(CreateGroup(channel, group));
  for (const MeasureShape& measure : measures) {
    ASSIGN_OR_RETURN(const bool exists, MeasureExists(channel, group.name, measure.name));
    if (!exists) RETURN_IF_ERROR(CreateMeasure(channel, group.name, measure));
  }
  return {};
}

Result<MeasureShape> FetchMeasure(const std::shared_ptr<grpc::Channel>& channel,
                                  const std::string& group, const std::string& name) {
  database::MeasureRegistryServiceGetRequest request;
  request.mutable_metadata()->set_group(group);
  request.mutable_metadata()->set_name(name);
  grpc::ClientContext context;
  Prepare(context);
  database::MeasureRegistryServiceGetResponse response;
  const grpc::Status status =
      database::MeasureRegistryService::NewStub(channel)->Get(&context, request, &response);
  if (!status.ok()) return ErrorOf(status, "get measure " + group + "." + name);
  Result<MeasureShape> shape = ShapeOf(response.measure());
  if (!shape) return std::move(shape).error().With("use measure " + group + "." + name);
  return shape;
}

}  // namespace ficus::load
