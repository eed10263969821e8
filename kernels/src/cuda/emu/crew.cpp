// Shares a launch's blocks among threads of the system. Blocks know nothing of each other: the bits are the same.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "driver.h"

namespace np360 {

namespace {

// Launches shorter than this are not worth waking anybody.
constexpr auto ALONE = std::chrono::microseconds(30);

class Crew {
  public:
    // Lives as long as the process: its threads may be asleep when statics are destroyed.
    static Crew& get() {
        static Crew* crew = new Crew;
        return *crew;
    }

    std::string run(const Launch& launch) {
        total_ = 1ull * launch.grid.x * launch.grid.y * launch.grid.z;
        launch_ = launch;
        chunk_ = std::max<unsigned long long>(1, total_ / (16 * size_));
        next_ = 0;
        failed_ = false;
        error_.clear();
        Worker& own = Worker::here();
        own.begin(launch);
        bool shared = size_ == 1 || total_ == 1;
        auto begun = std::chrono::steady_clock::now();
        while (work(own)) {
            if (!shared && std::chrono::steady_clock::now() - begun > ALONE && next_ < total_) {
                shared = true;
                wake();
            }
        }
        std::unique_lock<std::mutex> guard(mutex_);
        open_ = false;
        idle_.wait(guard, [this] { return busy_ == 0; });
        return error_;
    }

  private:
    Crew() {
        unsigned cores = std::max(1u, std::thread::hardware_concurrency());
        size_ = static_cast<unsigned>(std::clamp<unsigned long long>(setting("NP360_EMU_THREADS", cores), 1, 256));
    }

    // The next blocks in order; false if there is nothing left to do.
    bool work(Worker& worker) {
        unsigned long long from = next_.fetch_add(chunk_), to = std::min(from + chunk_, total_);
        for (unsigned long long b = from; b < to; ++b) {
            if (failed_) return false;
            if (!worker.run(launch_.reverse ? total_ - 1 - b : b)) {
                std::lock_guard<std::mutex> guard(mutex_);
                if (!failed_) error_ = worker.error();
                failed_ = true;
                return false;
            }
        }
        return to < total_;
    }

    void wake() {
        std::lock_guard<std::mutex> guard(mutex_);
        for (; started_ + 1 < size_; ++started_) std::thread([this] { live(); }).detach();
        open_ = true;
        ++turn_;
        called_.notify_all();
    }

    // A helper's life.
    void live() {
        Worker& worker = Worker::here();
        unsigned long long seen = 0;
        std::unique_lock<std::mutex> guard(mutex_);
        for (;;) {
            called_.wait(guard, [&] { return open_ && turn_ != seen; });
            seen = turn_;
            ++busy_;
            guard.unlock();
            worker.begin(launch_);
            while (work(worker)) {}
            guard.lock();
            if (--busy_ == 0) idle_.notify_all();
        }
    }

    unsigned size_ = 1;
    std::mutex mutex_;
    std::condition_variable called_, idle_;
    unsigned started_ = 0, busy_ = 0;
    unsigned long long turn_ = 0;
    bool open_ = false;

    Launch launch_{};
    unsigned long long total_ = 0, chunk_ = 1;
    std::atomic<unsigned long long> next_{0};
    std::atomic<bool> failed_{false};
    std::string error_;
};

std::atomic<bool>& order() {
    static std::atomic<bool> reverse{[] {
        const char* order = getenv("NP360_EMU_ORDER");
        return order != nullptr && strcmp(order, "reverse") == 0;
    }()};
    return reverse;
}

}  // namespace

bool reversed() { return order(); }

Result run_blocks(const Launch& launch) {
    std::string error = Crew::get().run(launch);
    kernel_ran();
    return error.empty() ? SUCCESS : fail(LAUNCH_FAILED, "%s", error.c_str());
}

}  // namespace np360

// 0: threads and blocks from the first to the last; 1: from the last to the first.
NP360_API void np360_emu_set_order(int reverse) { np360::order() = reverse != 0; }
