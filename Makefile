# The commands of the project. What they do stands in scripts/.

.PHONY: run test check bench fuzz fmt

# Builds and starts everything in one process on 127.0.0.1:8080, with its data under ./data.
run:
	@scripts/run.sh

# Runs every test, on SQLite and on a throw-away PostgreSQL and Redis.
test:
	@scripts/test.sh

# Checks formatting, lints, protos and import rules.
check:
	@scripts/check.sh

# Measures; writes target/bench/results.json. BENCH_QUICK=1 takes three to four minutes, BENCH_ONLY=authorize one part.
bench:
	@scripts/bench.sh

# Runs each fuzz target for a minute. FUZZ_SECONDS=600 for longer.
fuzz:
	@scripts/fuzz.sh

# Formats Rust and protos.
fmt:
	@scripts/fmt.sh
