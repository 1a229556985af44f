#include "engine/database/removals.h"

#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/clock.h"

namespace ficus {
namespace {

struct Play {
  ManualClock clock{0};
  std::unique_ptr<DeterministicExecutor> executor = DeterministicExecutor::Create(1, clock);
  Gate gate;
  Removals removals{*executor, gate};
  std::vector<Removals::Token> running;
  Removals::Token pause;

  void Run() {
    removals.Run([this](Removals::Token token) { running.push_back(std::move(token)); });
  }
  void Pause() {
    removals.Pause([this](Removals::Token token) { pause = std::move(token); });
  }
  bool paused() const { return pause.use_count() > 0; }
};

TEST_CASE("removals run beside each other, and a pause waits for them", "[database][snapshot]") {
  Play play;
  play.Run();
  play.Run();
  REQUIRE(play.running.size() == 2);
  play.Pause();
  play.executor->RunUntilIdle();
  REQUIRE(!play.paused());
  play.running.pop_back();
  play.executor->RunUntilIdle();
  REQUIRE(!play.paused());
  play.running.clear();
  play.executor->RunUntilIdle();
  REQUIRE(play.paused());
}

TEST_CASE("no removal begins during a pause, nor while one is about to begin",
          "[database][snapshot]") {
  Play play;
  play.Run();
  play.Pause();
  play.Run();
  REQUIRE(play.running.size() == 1);
  play.running.clear();
  play.executor->RunUntilIdle();
  REQUIRE(play.paused());
  REQUIRE(play.running.empty());
  play.Run();
  play.pause = nullptr;
  play.executor->RunUntilIdle();
  REQUIRE(play.running.size() == 2);
  play.Pause();
  play.running.clear();
  play.executor->RunUntilIdle();
  REQUIRE(play.paused());
}

TEST_CASE("removals that wait when the gate is closed run at once", "[database][snapshot]") {
  Play play;
  play.Pause();
  play.Run();
  play.gate.Shut();
  play.pause = nullptr;
  REQUIRE(play.running.size() == 1);
}

TEST_CASE("tokens may outlive what gave them", "[database][snapshot]") {
  Removals::Token token;
  {
    Play play;
    play.Run();
    token = play.running[0];
  }
  token = nullptr;
}

}  // namespace
}  // namespace ficus
