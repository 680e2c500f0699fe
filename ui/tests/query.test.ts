import { expect, test } from "vitest";
import type { Collection } from "../src/api/types";
import { controlsOf, firstPage, queryOf } from "../src/browser/query";

const collection = {
  filters: { name: [{ value: "web", modifier: "prefix" }], state: null, removed: [{ value: "", modifier: "null" }] },
  sort: { name: "name", order: "desc", reverse: "" },
} as unknown as Collection;
const SEARCH = "?name_prefix=web&removed_null=&sort=name&order=desc&limit=5&marker=m1&_role=admin&include=host";

test("the controls stand as the server understood the query", () => {
  expect(controlsOf(collection, SEARCH)).toEqual({
    rows: [
      { field: "name", modifier: "prefix", value: "web" },
      { field: "removed", modifier: "null", value: "" },
    ],
    sort: "name",
    order: "desc",
    limit: "5",
  });
});

test("controls that nobody touched give the same query, without the page", () => {
  const query = new URLSearchParams(queryOf(controlsOf(collection, SEARCH), collection, SEARCH));
  const wanted = new URLSearchParams(SEARCH);
  wanted.delete("marker");
  expect([...query].sort()).toEqual([...wanted].sort());
});

test("a filter without a value is none, and eq needs no word", () => {
  const rows = [
    { field: "name", modifier: "ne", value: "" },
    { field: "state", modifier: "eq", value: "running" },
  ];
  expect(queryOf({ rows, sort: "", order: "desc", limit: "" }, collection, SEARCH)).toBe(
    "?_role=admin&include=host&state=running",
  );
});

test("without controls there is no query", () => {
  expect(queryOf({ rows: [], sort: "", order: "asc", limit: "" }, collection, "?name=x&marker=m")).toBe("");
  expect(firstPage("?marker=m1")).toBe("");
  expect(firstPage("?name=a&marker=m1")).toBe("?name=a");
});
