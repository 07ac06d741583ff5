// Validates an OpenAPI document with two validators, its examples against their schemas, too.
//
// Usage: node validate.mjs FILE

import { readFileSync } from "node:fs";

import { createConfig, lint } from "@redocly/openapi-core";
import { Validator } from "@seriousme/openapi-schema-validator";

const file = process.argv[2];
const faults = [];

const validator = new Validator();
const { valid, errors } = await validator.validate(JSON.parse(readFileSync(file, "utf8")));
if (!valid || validator.version !== "3.1") {
  faults.push(`@seriousme/openapi-schema-validator: ${validator.version} ${JSON.stringify(errors)}`);
}

const config = await createConfig({
  extends: ["spec"],
  rules: {
    "no-invalid-media-type-examples": "error",
    "no-invalid-parameter-examples": "error",
    "no-invalid-schema-examples": "error",
    "no-unused-components": "error",
    "no-undefined-server-variable": "error",
    "operation-operationId": "error",
    "operation-operationId-url-safe": "error",
    "operation-summary": "error",
    "operation-description": "error",
    "security-defined": "error",
    "tag-description": "error",
  },
});
for (const problem of await lint({ ref: file, config })) {
  const places = problem.location.map((location) => location.pointer).join(" ");
  faults.push(`@redocly/openapi-core: ${problem.ruleId}: ${problem.message} ${places}`);
}

if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exit(1);
}
