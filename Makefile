# The commands of the project. What they do stands in scripts/.

.PHONY: run ci check test fuzz bench bench-extraction instructions screenshots fmt

# Builds and starts everything in one process on 127.0.0.1:8080, with its data under ./data.
run:
	@scripts/run.sh

# Everything that must be green before a change goes in. Ends with the test runner's own summary.
ci:
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory fuzz
	@$(MAKE) --no-print-directory instructions
	@$(MAKE) --no-print-directory test

# Runs every test, on SQLite and on a throw-away PostgreSQL and Redis.
test:
	@scripts/test.sh

# Makes the screenshots of docs/screens.
screenshots:
	@scripts/screenshots.sh

# Checks formatting, lints, documentation, dependencies, protos, manifests and import rules. Changes nothing.
check:
	@scripts/check.sh

# Measures; writes target/bench/results.json. BENCH_QUICK=1 takes four to five minutes, BENCH_ONLY=authorize one part.
bench:
	@scripts/bench.sh

# Measures document extraction on the documents of DATA=FOLDER; writes target/bench/readers.json.
bench-extraction:
	@scripts/bench-extraction.sh

# Counts the instructions of requests; fails when they have become more than benches/instructions.json says.
instructions:
	@scripts/instructions.sh

# Runs each fuzz target for a minute. FUZZ_SECONDS=600 for longer.
fuzz:
	@scripts/fuzz.sh

# Formats Rust and protos.
fmt:
	@scripts/fmt.sh
