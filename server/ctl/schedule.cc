#include "server/ctl/schedule.h"

#include <memory>
#include <string>

#include <fmt/core.h>

#include "server/ctl/quantity_text.h"
#include "server/ctl/text_table.h"

namespace ficus {
namespace {

namespace v1 = admin::v1;
using Stub = v1::AdminService::Stub;

struct Asked {
  std::string job;
  uint32_t count = 5;
};

std::string StateText(const v1::Schedule& schedule) {
  if (schedule.running()) return schedule.paused() ? "running, paused" : "running";
  return schedule.paused() ? "paused" : "waiting";
}

std::string LastText(const v1::Schedule& schedule) {
  if (!schedule.has_last_started_at()) return "never";
  if (!schedule.has_last_ended_at()) return TimeText(schedule.last_started_at());
  return TimeText(schedule.last_ended_at()) +
         (schedule.last_error().empty() ? ", done" : ", failed");
}

std::string ListText(const v1::ListSchedulesResponse& list) {
  TextTable table({"JOB", "REMOTE", "SCHEDULE", "ZONE", "STATE", "NEXT", "LAST", "RUNS", "FAILED",
                   "MISSED", "SKIPPED"});
  for (const v1::Schedule& schedule : list.schedules()) {
    table.Add({schedule.job(), schedule.remote(), schedule.schedule(), schedule.time_zone(),
               StateText(schedule),
               schedule.next().empty() ? std::string() : TimeText(schedule.next(0)),
               LastText(schedule), CountText(schedule.runs()), CountText(schedule.failures()),
               CountText(schedule.missed()), CountText(schedule.skipped())});
  }
  return table.Text();
}

std::string NextText(const v1::ListSchedulesResponse& list) {
  TextTable table({"TIME", "JOB"});
  for (const v1::Schedule& schedule : list.schedules()) {
    for (const auto& time : schedule.next()) table.Add({TimeText(time), schedule.job()});
  }
  return table.Text();
}

ExitCode Show(Console& console, const ClientOptions& options, uint32_t count, bool only_next) {
  AdminClient client(options, console.interrupts());
  v1::ListSchedulesRequest request;
  request.set_next(count);
  v1::ListSchedulesResponse list;
  if (auto failure = client.Call(&Stub::ListSchedules, request, list)) {
    return Fail(console, *failure);
  }
  PrintResult(console, options.output, list, only_next ? NextText(list) : ListText(list));
  for (const v1::Schedule& schedule : list.schedules()) {
    if (only_next || schedule.last_error().empty()) continue;
    fmt::print(console.err, "{}: the last run failed: {}\n", schedule.job(), schedule.last_error());
  }
  return ExitCode::kDone;
}

template <typename Request, typename Response>
ExitCode Tell(Console& console, const ClientOptions& options, const std::string& job,
              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const char* done) {
  AdminClient client(options, console.interrupts());
  Request request;
  request.set_job(job);
  Response response;
  if (auto failure = client.Call(method, request, response)) {
    failure->message = "schedule: " + failure->message;
    return Fail(console, *failure);
  }
  if (!options.structured()) fmt::print(console.out, "{}: {}\n", job, done);
  return ExitCode::kDone;
}

}  // namespace

void AddScheduleCommands(CLI::App& app, const ClientOptions& client, Command& command) {
  CLI::App* const schedule = app.add_subcommand("schedule", "what a node runs by the clock");
  schedule->require_subcommand(1);
  const auto asked = std::make_shared<Asked>();
  schedule->add_subcommand("list", "every job: next time, last run, what was missed")
      ->callback([&client, &command] {
        command = [&client](Console& console) { return Show(console, client, 1, false); };
      });
  CLI::App* const next = schedule->add_subcommand("next", "the coming times of every job");
  next->add_option("-n", asked->count, "how many of each")->check(CLI::Range(1, 100));
  next->callback([asked, &client, &command] {
    command = [asked, &client](Console& console) {
      return Show(console, client, asked->count, true);
    };
  });
  CLI::App* const pause = schedule->add_subcommand("pause", "hold a job back, over restarts too");
  pause->add_option("job", asked->job, "as the configuration names it")->required();
  pause->callback([asked, &client, &command] {
    command = [asked, &client](Console& console) {
      return Tell(console, client, asked->job, &Stub::PauseSchedule,
                  "paused; `ficusctl backup run` still works");
    };
  });
  CLI::App* const resume = schedule->add_subcommand("resume", "let a paused job run again");
  resume->add_option("job", asked->job, "as the configuration names it")->required();
  resume->callback([asked, &client, &command] {
    command = [asked, &client](Console& console) {
      return Tell(console, client, asked->job, &Stub::ResumeSchedule, "runs by its schedule again");
    };
  });
}

}  // namespace ficus
