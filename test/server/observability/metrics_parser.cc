#include "test/server/observability/metrics_parser.h"

#include <cctype>
#include <cmath>
#include <cstdlib>
#include <set>
#include <stdexcept>
#include <vector>

namespace ficus {
namespace {

bool IsNameStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool IsNameByte(char c) {
  return IsNameStart(c) || std::isdigit(static_cast<unsigned char>(c)) != 0;
}

struct Sample {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

class LineReader {
 public:
  explicit LineReader(std::string_view rest) : rest_(rest) {}

  std::string Name() {
    size_t length = 0;
    while (length < rest_.size() && IsNameByte(rest_[length])) ++length;
    if (length == 0 || !IsNameStart(rest_[0])) throw std::runtime_error("no name");
    return std::string(Take(length));
  }
  void Literal(std::string_view text) {
    if (!TryLiteral(text)) throw std::runtime_error("expected " + std::string(text));
  }
  bool TryLiteral(std::string_view text) {
    if (rest_.substr(0, text.size()) != text) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  std::string QuotedValue() {
    Literal("\"");
    std::string value;
    while (!TryLiteral("\"")) {
      if (rest_.empty()) throw std::runtime_error("open quotes");
      const char c = Take(1).front();
      if (c != '\\') {
        value += c;
      } else if (TryLiteral("\\")) {
        value += '\\';
      } else if (TryLiteral("\"")) {
        value += '"';
      } else if (TryLiteral("n")) {
        value += '\n';
      } else {
        throw std::runtime_error("unknown escape");
      }
    }
    return value;
  }
  double Number() {
    const std::string text(Take(rest_.size()));
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || text.front() == ' ') throw std::runtime_error("no number");
    return value;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view Take(size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string_view rest_;
};

Sample ParseSample(std::string_view line) {
  LineReader reader(line);
  Sample sample;
  sample.name = reader.Name();
  if (reader.TryLiteral("{")) {
    do {
      std::string name = reader.Name();
      reader.Literal("=");
      for (const auto& [other, value] : sample.labels) {
        if (other == name) throw std::runtime_error("label twice");
      }
      sample.labels.emplace_back(std::move(name), reader.QuotedValue());
    } while (reader.TryLiteral(","));
    reader.Literal("}");
  }
  reader.Literal(" ");
  sample.value = reader.Number();
  return sample;
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

class Grammar {
 public:
  void Line(std::string_view line) {
    LineReader reader(line);
    if (reader.TryLiteral("# HELP ")) {
      FinishHistogram();
      family_ = reader.Name();
      type_.clear();
      if (!families_.insert(family_).second) throw std::runtime_error("family twice");
      reader.Literal(" ");
    } else if (reader.TryLiteral("# TYPE ")) {
      if (reader.Name() != family_ || !type_.empty()) throw std::runtime_error("TYPE out of place");
      reader.Literal(" ");
      type_ = reader.rest();
      if (type_ != "counter" && type_ != "gauge" && type_ != "histogram") {
        throw std::runtime_error("unknown type");
      }
    } else {
      AddSample(line);
    }
  }

  void FinishHistogram() {
    if (type_ == "histogram" && bucket_open_) throw std::runtime_error("histogram without count");
  }

 private:
  void AddSample(std::string_view line) {
    const Sample sample = ParseSample(line);
    const std::string key(line.substr(0, line.rfind(' ')));
    if (!samples_.insert(key).second) throw std::runtime_error("sample twice");
    if (type_ != "histogram") {
      if (sample.name != family_) throw std::runtime_error("sample of another family");
      if (type_ == "counter" && !(sample.value >= 0)) throw std::runtime_error("negative counter");
      return;
    }
    if (sample.name == family_ + "_bucket") {
      AddBucket(sample);
    } else if (sample.name == family_ + "_count") {
      if (!bucket_open_ || last_bound_ != "+Inf") throw std::runtime_error("no +Inf bucket");
      if (sample.value != last_count_) throw std::runtime_error("count differs from +Inf");
      bucket_open_ = false;
    } else if (sample.name != family_ + "_sum") {
      throw std::runtime_error("sample of another family");
    }
  }

  void AddBucket(const Sample& sample) {
    if (sample.labels.empty() || sample.labels.back().first != "le") {
      throw std::runtime_error("bucket without le");
    }
    const std::string& bound = sample.labels.back().second;
    if (bucket_open_ &&
        (std::stod(bound) <= std::stod(last_bound_) || sample.value < last_count_)) {
      throw std::runtime_error("buckets do not rise");
    }
    bucket_open_ = true;
    last_bound_ = bound;
    last_count_ = sample.value;
  }

  std::set<std::string> families_;
  std::set<std::string> samples_;
  std::string family_;
  std::string type_;
  bool bucket_open_ = false;
  std::string last_bound_;
  double last_count_ = 0;
};

}  // namespace

std::string FindGrammarMistake(std::string_view text) {
  if (!text.empty() && !EndsWith(text, "\n")) return "no line break at the end";
  Grammar grammar;
  std::string_view line;
  try {
    while (!text.empty()) {
      line = text.substr(0, text.find('\n'));
      text.remove_prefix(line.size() + 1);
      grammar.Line(line);
    }
    grammar.FinishHistogram();
  } catch (const std::exception& error) {
    return std::string(error.what()) + ": " + std::string(line);
  }
  return "";
}

std::map<std::string, double> ParseSamples(std::string_view text) {
  std::map<std::string, double> samples;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() + 1);
    if (line.front() == '#') continue;
    samples[std::string(line.substr(0, line.rfind(' ')))] = ParseSample(line).value;
  }
  return samples;
}

}  // namespace ficus
