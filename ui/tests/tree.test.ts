import { expect, test } from "vitest";
import { isOpenAtFirst } from "../src/browser/tree";

const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, n]));

test("of a resource only long parts deep inside are folded, and huge ones", () => {
  expect(isOpenAtFirst([], many(150), false, 0)).toBe(true);
  expect(isOpenAtFirst(["links"], many(100), false, 0)).toBe(true);
  expect(isOpenAtFirst(["data", "fields"], many(13), false, 0)).toBe(false);
  expect(isOpenAtFirst(["data", "fields"], many(12), false, 0)).toBe(true);
  expect(isOpenAtFirst(["paths"], many(400), false, 0)).toBe(false);
});

test("of a collection the resources are folded where there are several, and what few people look at", () => {
  expect(isOpenAtFirst(["data"], many(100), true, 100)).toBe(true);
  expect(isOpenAtFirst(["data", "0"], many(100), true, 2)).toBe(false);
  expect(isOpenAtFirst(["data", "0"], many(100), true, 1)).toBe(true);
  expect(isOpenAtFirst(["data", "0", "links"], many(20), true, 1)).toBe(false);
  expect(isOpenAtFirst(["sortLinks"], many(1), true, 0)).toBe(false);
  expect(isOpenAtFirst(["pagination"], many(6), true, 0)).toBe(true);
});
