#include "config/yaml_tree.h"

#include <sstream>
#include <utility>

#include <fmt/core.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace ficus {
namespace {

TextPosition At(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {mark.line + 1, mark.column + 1};
}

// Ends the parse from inside an event.
struct Refused {
  YamlMistake mistake;
};

// Builds the tree. Open collections are a stack of their own, so that depth costs no call stack.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(std::vector<YamlMistake>& mistakes) : mistakes_(mistakes) {}

  // After a parse that broke off, lists that are still open are dropped: with half of its text gone
  // a list says nothing that could be checked.
  YamlNode TakeRoot() {
    while (!open_.empty()) {
      if (open_.back().node.kind == YamlNode::Kind::kSequence) {
        open_.pop_back();
      } else {
        Close();
      }
    }
    return std::move(root_);
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) throw Refused{{At(mark), "a second document begins here"}};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(MakeNode(YamlNode::Kind::kNull, mark, anchor));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{{At(mark), "aliases are not supported: repeat the value"}};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    RefuseTag(mark, tag);
    YamlNode node = MakeNode(YamlNode::Kind::kScalar, mark, anchor);
    node.text = value;
    Add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    RefuseTag(mark, tag);
    Open(MakeNode(YamlNode::Kind::kSequence, mark, anchor));
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    RefuseTag(mark, tag);
    Open(MakeNode(YamlNode::Kind::kMapping, mark, anchor));
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapEnd() override { Close(); }

 private:
  struct OpenNode {
    YamlNode node;
    // In a mapping, keys and values come in turn.
    bool has_key = false;
    std::string key;
    TextPosition key_position;
  };

  YamlNode MakeNode(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) throw Refused{{At(mark), "anchors are not supported"}};
    if (++nodes_ > kYamlNodesMax) {
      throw Refused{{At(mark), fmt::format("more than {} values", kYamlNodesMax)}};
    }
    YamlNode node;
    node.kind = kind;
    node.position = At(mark);
    return node;
  }

  // "?" is what a plain scalar or collection has, "!" a quoted scalar.
  static void RefuseTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    throw Refused{{At(mark), "tags are not supported: write the value without it"}};
  }

  void Open(YamlNode node) {
    if (open_.size() >= kYamlDepthMax) {
      throw Refused{{node.position, fmt::format("nested deeper than {}", kYamlDepthMax)}};
    }
    if (!open_.empty() && IsKeyTurn(open_.back())) {
      throw Refused{{node.position, "a key must be a word"}};
    }
    open_.push_back({std::move(node), false, {}, {}});
  }

  void Close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    Add(std::move(node));
  }

  static bool IsKeyTurn(const OpenNode& open) {
    return open.node.kind == YamlNode::Kind::kMapping && !open.has_key;
  }

  void Add(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    OpenNode& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::kSequence) {
      parent.node.items.push_back(std::move(node));
    } else if (parent.has_key) {
      parent.node.entries.push_back({std::move(parent.key), parent.key_position, std::move(node)});
      parent.has_key = false;
    } else {
      if (node.kind != YamlNode::Kind::kScalar) {
        mistakes_.push_back({node.position, "a key must be a word"});
      }
      parent.key = std::move(node.text);
      parent.key_position = node.position;
      parent.has_key = true;
    }
  }

  std::vector<YamlMistake>& mistakes_;
  YamlNode root_;
  std::vector<OpenNode> open_;
  size_t nodes_ = 0;
  int documents_ = 0;
};

}  // namespace

YamlDocument ParseYaml(std::string_view text) {
  YamlDocument document;
  if (text.size() > kYamlBytesMax) {
    document.mistakes.push_back({{}, fmt::format("is larger than {} bytes", kYamlBytesMax)});
    return document;
  }
  Builder builder(document.mistakes);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refused& refused) {
    document.mistakes.push_back(refused.mistake);
  } catch (const YAML::Exception& error) {
    document.mistakes.push_back({At(error.mark), "not valid YAML: " + error.msg});
  }
  document.root = builder.TakeRoot();
  return document;
}

}  // namespace ficus
