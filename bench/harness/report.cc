#include "bench/harness/report.h"

#include <cstdio>
#include <fstream>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "bench/harness/spread.h"
#include "engine/base/check.h"

namespace ficus::bench {
namespace {

std::vector<double> RatiosOf(const Figure& figure) {
  std::vector<double> ratios;
  for (size_t i = 0; i < figure.ours.size(); ++i) {
    ratios.push_back(figure.ours[i] / figure.theirs[i]);
  }
  return ratios;
}

// About four digits, whatever the size.
std::string Number(double value) {
  return value >= 1000 ? fmt::format("{:.0f}", value) : fmt::format("{:.4g}", value);
}

std::string Text(const Spread& spread) {
  return fmt::format("{} ({}..{})", Number(spread.median), Number(spread.min), Number(spread.max));
}

// "<= 0.04x missed"
std::string Verdict(const Goal& goal, double value, double ratio) {
  if (goal.ratio_max == 0 && goal.value_max == 0) return "";
  std::string text;
  bool met = true;
  if (goal.ratio_max > 0) {
    text += fmt::format("<= {}x ", Number(goal.ratio_max));
    met = met && ratio <= goal.ratio_max;
  }
  if (goal.value_max > 0) {
    text += fmt::format("<= {} ", Number(goal.value_max));
    met = met && value <= goal.value_max;
  }
  return text + (met ? "met" : "missed");
}

boost::json::object Json(const std::vector<double>& values) {
  const Spread spread = SpreadOf(values);
  return {{"median", spread.median},
          {"min", spread.min},
          {"max", spread.max},
          {"rounds", boost::json::value_from(values)}};
}

boost::json::object Json(const Figure& figure) {
  boost::json::object object = {
      {"workload", figure.workload},    {"figure", figure.kind.what},
      {"unit", figure.kind.unit},       {"yardstick", figure.kind.yardstick},
      {"ours", Json(figure.ours)},      {"theirs", Json(figure.theirs)},
      {"ratio", Json(RatiosOf(figure))}};
  if (figure.kind.goal.ratio_max > 0) object["goal_ratio"] = figure.kind.goal.ratio_max;
  if (figure.kind.goal.value_max > 0) object["goal_value"] = figure.kind.goal.value_max;
  return object;
}

}  // namespace

void Report::PrintHead() {
  has_head_ = true;
  std::printf("%-3s %-62s %-26s %-16s %-26s %-24s %s\n", "", "median (min..max); less is better",
              "ours", "yardstick", "", "ratio", "goal");
}

void Report::Add(Figure figure) {
  CHECK(!figure.ours.empty() && figure.ours.size() == figure.theirs.size());
  if (!has_head_) PrintHead();
  const Spread ours = SpreadOf(figure.ours);
  const Spread ratio = SpreadOf(RatiosOf(figure));
  std::printf("%-3s %-62s %-26s %-16s %-26s %-24s %s\n", figure.workload.c_str(),
              (figure.kind.what + ": " + figure.kind.unit).c_str(), Text(ours).c_str(),
              figure.kind.yardstick.c_str(), Text(SpreadOf(figure.theirs)).c_str(),
              Text(ratio).c_str(), Verdict(figure.kind.goal, ours.median, ratio.median).c_str());
  std::fflush(stdout);
  figures_.push_back(std::move(figure));
}

void Report::Note(const std::string& workload, const std::string& text) {
  if (!has_head_) PrintHead();
  std::printf("%-3s %s\n", workload.c_str(), text.c_str());
  std::fflush(stdout);
  remarks_.push_back({workload, text});
}

void Report::WriteJson(const BenchOptions& options) const {
  if (options.json.empty()) return;
  boost::json::array figures;
  for (const Figure& figure : figures_) figures.push_back(Json(figure));
  boost::json::array remarks;
  for (const Remark& remark : remarks_) {
    remarks.push_back(boost::json::object{{"workload", remark.workload}, {"text", remark.text}});
  }
  const boost::json::object all = {{"scale", options.Pick<const char*>("small", "medium", "full")},
                                   {"pairs", options.pairs},
                                   {"cores", std::thread::hardware_concurrency()},
                                   {"figures", std::move(figures)},
                                   {"remarks", std::move(remarks)}};
  std::ofstream file(options.json);
  file << boost::json::serialize(all) << "\n";
  CHECK(file.flush().good()) << "cannot write " << options.json;
}

}  // namespace ficus::bench
