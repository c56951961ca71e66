// The story of the README with a client whose types openapi-typescript has generated from the API's document.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { argv } from "node:process";
import createClient from "openapi-fetch";
import type { paths } from "./api.js";

const baseUrl = argv[2]!;
const email = `${randomUUID()}@example.com`;
const password = "correct horse battery";

const anonymous = createClient<paths>({ baseUrl });
const registered = await anonymous.POST("/api/auth/register", { body: { email, password } });
assert.equal(registered.data?.email, email);
const taken = await anonymous.POST("/api/auth/register", { body: { email, password } });
assert.equal(taken.error?.status, 409);
const session = await anonymous.POST("/api/auth/login", { body: { email, password } });
const token: string = session.data!.access_token;
const client = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } });

const made = await client.POST("/api/tasks", {
  params: { header: { "Idempotency-Key": "first" } },
  body: { title: "Water the plants", tags: ["home"], due: { date: "2026-03-01" } },
});
const task = made.data!;
assert.deepEqual(task.due, { date: "2026-03-01" });
const page = await client.GET("/api/tasks", { params: { query: { tag: ["home"], q: "water", sort: ["priority", "due_at"], due_before: "2026-03-02" } } });
assert.deepEqual(page.data?.items.map((found) => found.id), [task.id]);
const path = { id: task.id };
const changed = await client.PATCH("/api/tasks/{id}", {
  params: { path, header: { "If-Match": '"1"' } },
  body: { title: "Water all plants" },
});
assert.equal(changed.data?.version, 2);
const stale = await client.PATCH("/api/tasks/{id}", {
  params: { path, header: { "If-Match": '"1"' } },
  body: { title: "Too late" },
});
assert.equal(stale.error?.status, 412);
const done = await client.POST("/api/tasks/{id}/complete", { params: { path } });
assert.equal(done.data?.status, "completed");
const verdict = await client.GET("/api/audit/verify");
assert.equal(verdict.data?.ok, true);
console.log("the TypeScript client has told the story");
