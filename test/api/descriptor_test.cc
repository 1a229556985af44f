// Compares the compiled API with descriptor_table.txt, in both directions: what the table names
// exists exactly so, and nothing exists in BanyanDB's packages that the table does not name.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

using Rows = std::set<std::string>;

Rows TableRows() {
  std::ifstream table("test/api/descriptor_table.txt");
  REQUIRE(table.is_open());
  Rows rows;
  for (std::string line; std::getline(table, line);) {
    if (line.empty() || line.front() == '#') continue;
    CAPTURE(line);
    REQUIRE(rows.insert(line).second);  // no row twice
  }
  return rows;
}

// The descriptors of all files of the tree, found by path as a client's imports would find them.
std::vector<const FileDescriptor*> Files() {
  const std::filesystem::path root = "api/proto";
  std::vector<const FileDescriptor*> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "banyandb")) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().lexically_relative(root).string();
    CAPTURE(name);
    files.push_back(DescriptorPool::generated_pool()->FindFileByName(name));
    REQUIRE(files.back() != nullptr);
  }
  REQUIRE(!files.empty());
  return files;
}

std::string TypeOf(const FieldDescriptor& field) {
  std::string type = field.type_name();
  if (field.message_type() != nullptr) type += ":" + field.message_type()->full_name();
  if (field.enum_type() != nullptr) type += ":" + field.enum_type()->full_name();
  return type;
}

std::string RowOf(const FieldDescriptor& field) {
  std::string type = TypeOf(field);
  std::string label = "single";
  if (field.is_map()) {
    const Descriptor& entry = *field.message_type();
    type = "map<" + TypeOf(*entry.map_key()) + "," + TypeOf(*entry.map_value()) + ">";
    label = "map";
  } else if (field.is_repeated()) {
    label = "repeated";
  } else if (field.has_optional_keyword()) {
    label = "optional";
  } else if (field.real_containing_oneof() != nullptr) {
    label = "oneof:" + field.real_containing_oneof()->name();
  }
  return "field " + field.containing_type()->full_name() + " " + std::to_string(field.number()) +
         " " + field.name() + " " + type + " " + label;
}

std::string RowOf(const MethodDescriptor& method) {
  const bool client = method.client_streaming();
  const bool server = method.server_streaming();
  const std::string kind = client && server ? "bidi"
                           : client         ? "client"
                           : server         ? "server"
                                            : "unary";
  return "method " + method.service()->full_name() + " " + method.name() + " " +
         method.input_type()->full_name() + " " + method.output_type()->full_name() + " " + kind;
}

void AddEnum(const EnumDescriptor& type, Rows& rows) {
  for (int i = 0; i < type.value_count(); ++i) {
    rows.insert("value " + type.full_name() + " " + std::to_string(type.value(i)->number()) + " " +
                type.value(i)->name());
  }
}

void AddMessage(const Descriptor& message, Rows& rows) {
  if (message.options().map_entry()) return;  // its row is the map field's
  rows.insert("message " + message.full_name());
  for (int i = 0; i < message.field_count(); ++i) rows.insert(RowOf(*message.field(i)));
  for (int i = 0; i < message.enum_type_count(); ++i) AddEnum(*message.enum_type(i), rows);
  for (int i = 0; i < message.nested_type_count(); ++i) AddMessage(*message.nested_type(i), rows);
}

void AddService(const ServiceDescriptor& service, Rows& rows) {
  for (int i = 0; i < service.method_count(); ++i) rows.insert(RowOf(*service.method(i)));
}

Rows CompiledRows() {
  Rows rows;
  for (const FileDescriptor* file : Files()) {
    for (int i = 0; i < file->enum_type_count(); ++i) AddEnum(*file->enum_type(i), rows);
    for (int i = 0; i < file->message_type_count(); ++i) AddMessage(*file->message_type(i), rows);
    for (int i = 0; i < file->service_count(); ++i) AddService(*file->service(i), rows);
  }
  return rows;
}

std::vector<std::string> Without(const Rows& rows, const Rows& others) {
  std::vector<std::string> rest;
  std::set_difference(rows.begin(), rows.end(), others.begin(), others.end(),
                      std::back_inserter(rest));
  return rest;
}

const Descriptor& Message(const std::string& name) {
  const Descriptor* message = DescriptorPool::generated_pool()->FindMessageTypeByName(name);
  CAPTURE(name);
  REQUIRE(message != nullptr);
  return *message;
}

}  // namespace

TEST_CASE("every row of the table exists in the compiled API exactly so", "[api]") {
  REQUIRE(Without(TableRows(), CompiledRows()) == std::vector<std::string>{});
}

TEST_CASE("the compiled API has nothing in BanyanDB's packages that the table does not name",
          "[api]") {
  REQUIRE(Without(CompiledRows(), TableRows()) == std::vector<std::string>{});
}

TEST_CASE("the API imports nothing but itself and protobuf's own types", "[api]") {
  for (const FileDescriptor* file : Files()) {
    for (int i = 0; i < file->dependency_count(); ++i) {
      const std::string& import = file->dependency(i)->name();
      CAPTURE(file->name(), import);
      REQUIRE((import.rfind("banyandb/", 0) == 0 || import.rfind("google/protobuf/", 0) == 0));
    }
  }
}

TEST_CASE("a file's path follows its package", "[api]") {
  for (const FileDescriptor* file : Files()) {
    std::string folder = file->package();
    std::replace(folder.begin(), folder.end(), '.', '/');
    CAPTURE(file->name());
    REQUIRE(std::filesystem::path(file->name()).parent_path() == folder);
  }
}

TEST_CASE("numbers that released clients sent with another meaning stay unused", "[api]") {
  REQUIRE(Message("banyandb.database.v1.TagSpec").IsReservedNumber(3));
  REQUIRE(Message("banyandb.measure.v1.DataPointValue").IsReservedNumber(5));
  REQUIRE(Message("banyandb.database.v1.Property").IsReservedNumber(3));
  REQUIRE(Message("banyandb.database.v1.Property").IsReservedNumber(5));
}
