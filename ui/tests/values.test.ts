import { describe, expect, test } from "vitest";
import type { Field } from "../src/api/types";
import { bodyOf, dateInput, dateOf, fieldsFor, initialValues, numberOf, rulesOf, shapeOf } from "../src/forms/values";

function field(type: string, rules: Partial<Field> = {}): Field {
  return { type, create: true, update: true, ...rules };
}

describe("types", () => {
  test.each([
    ["string", "scalar", "string"],
    ["reference[host]", "reference", "host"],
    ["array[reference[container]]", "array", "reference[container]"],
    ["map[json]", "map", "json"],
    ["launchConfig", "embedded", "launchConfig"],
  ])("%s is taken apart", (type, kind, inner) => {
    expect(shapeOf(type)).toEqual({ kind, type: inner });
  });
});

describe("fields of a form", () => {
  const fields = {
    image: field("string", { update: false }),
    state: field("string", { create: false, update: false }),
    description: field("string"),
    key: field("string", { required: true }),
    name: field("string"),
  };

  test("required ones come first, then name and description", () => {
    expect(Object.keys(fieldsFor(fields, "create"))).toEqual(["key", "name", "description", "image"]);
  });

  test("an update has those that can be updated", () => {
    expect(Object.keys(fieldsFor(fields, "update"))).toEqual(["name", "description", "key"]);
  });

  test("the rules are said in words", () => {
    const rules = { required: true, unique: true, minLength: 1, maxLength: 63, validChars: "a-z", default: "x" };
    expect(rulesOf(field("string", rules), "create")).toEqual([
      "required",
      "unique",
      "1 to 63 characters",
      "only a-z",
      'default: "x"',
    ]);
    expect(rulesOf(field("int", { min: 1 }), "create")).toEqual(["at least 1"]);
    expect(rulesOf(field("string", { minLength: 1, required: true }), "update")).toEqual(["at least 1 character"]);
  });
});

describe("the body of a creation", () => {
  const fields = {
    name: field("string"),
    start: field("boolean", { default: true }),
    ports: field("array[string]"),
    labels: field("map[string]"),
    launchConfig: field("launchConfig"),
    data: field("json"),
  };
  const begin = initialValues(fields);

  test("holds nothing of a form that nobody filled in", () => {
    expect(bodyOf(fields, begin, begin, "create")).toEqual({});
  });

  test("holds what differs from the defaults", () => {
    const values = { ...begin, name: "web", start: false };
    expect(bodyOf(fields, begin, values, "create")).toEqual({ name: "web", start: false });
  });

  test("leaves rows out that are not filled in, and keeps empty texts of maps", () => {
    const values = { ...begin, ports: ["80", null], labels: { tier: "", none: null } };
    expect(bodyOf(fields, begin, values, "create")).toEqual({ ports: ["80"], labels: { tier: "" } });
    expect(bodyOf(fields, begin, { ...begin, ports: [null], labels: {} }, "create")).toEqual({});
  });

  test("holds an object without what is not set in it, and JSON as it was written", () => {
    const values = { ...begin, launchConfig: { image: "a", user: null }, data: { a: null, b: [null] } };
    expect(bodyOf(fields, begin, values, "create")).toEqual({
      launchConfig: { image: "a" },
      data: { a: null, b: [null] },
    });
  });

  test("does not change how the form began", () => {
    const nested = { list: field("array[string]", { default: ["a"] }) };
    const values = initialValues(nested);
    (values.list as string[]).push("b");
    expect(nested.list.default).toEqual(["a"]);
  });
});

describe("the body of an update", () => {
  const fields = {
    name: field("string", { nullable: true }),
    title: field("string"),
    ports: field("array[string]"),
    labels: field("map[string]"),
    scale: field("int"),
  };
  const begin = initialValues(fields, { name: "web", title: "t", ports: ["80"], labels: { a: "b" }, scale: 2 });

  test("holds only what was changed", () => {
    expect(bodyOf(fields, begin, { ...begin, scale: 3 }, "update")).toEqual({ scale: 3 });
  });

  test("clears what was emptied, in the way its type can be cleared", () => {
    const values = { name: undefined, title: undefined, ports: [], labels: {}, scale: 2 };
    expect(bodyOf(fields, begin, values, "update")).toEqual({ name: null, title: "", ports: [], labels: {} });
  });
});

describe("numbers and dates", () => {
  test.each([
    ["", undefined],
    [" 5 ", 5],
    ["-1.5", -1.5],
    ["five", "five"],
    ["9007199254740993", "9007199254740993"],
  ])("the text %j of a number", (text, value) => {
    expect(numberOf(text)).toBe(value);
  });

  test("a date is written as the API writes it", () => {
    expect(dateInput("2015-11-24T09:00:00Z")).toBe("2015-11-24T09:00:00");
    expect(dateOf("2015-11-24T09:00")).toBe("2015-11-24T09:00:00Z");
    expect(dateOf("2015-11-24T09:00:30.500")).toBe("2015-11-24T09:00:30Z");
    expect(dateOf("")).toBeUndefined();
  });
});
