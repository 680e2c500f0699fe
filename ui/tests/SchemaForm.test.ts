import { afterEach, beforeEach, expect, test } from "vitest";
import { createApp, defineComponent, h, nextTick, shallowRef, type App } from "vue";
import { Problem } from "../src/api/client";
import { SCHEMAS, type Schemas } from "../src/api/schemas";
import type { Field, Fields, Resource, Schema } from "../src/api/types";
import SchemaForm from "../src/forms/SchemaForm.vue";
import { bodyOf, fieldsFor, initialValues, type Mode } from "../src/forms/values";

function field(type: string, rules: Partial<Field> = {}): Field {
  return { type, create: true, update: true, ...rules };
}

const HOSTS = [{ id: "1h1", type: "host", name: "node-a", state: "active" }] as unknown as Resource[];
const CHECK = { resourceFields: { port: field("int", { required: true }), line: field("string") } } as unknown as Schema;
const schemas = {
  get: (type: string) => (type === "check" ? Promise.resolve(CHECK) : Promise.reject(new Problem(404, "NotFound", "none"))),
  list: () => Promise.resolve(HOSTS),
} as unknown as Schemas;

let app: App;
let values: { value: Fields };
let problem: { value: Problem | null };

function show(fields: Record<string, Field>, mode: Mode = "create", present?: Fields): void {
  const shown = fieldsFor(fields, mode);
  const begin = initialValues(shown, present);
  const current = (values = shallowRef<Fields>(begin));
  const refusal = (problem = shallowRef<Problem | null>(null));
  body = () => bodyOf(shown, begin, current.value, mode);
  const Page = defineComponent(() => () =>
    h(SchemaForm, {
      fields: shown,
      mode,
      modelValue: current.value,
      problem: refusal.value,
      "onUpdate:modelValue": (changed: Fields) => (current.value = changed),
    }),
  );
  app = createApp(Page);
  app.provide(SCHEMAS, schemas);
  app.mount(document.body.appendChild(document.createElement("div")));
}

let body: () => Fields;
beforeEach(() => (document.body.innerHTML = ""));
afterEach(() => app.unmount());

async function settled(): Promise<void> {
  await new Promise((done) => setTimeout(done));
  await nextTick();
}

/** The control with a label, as a person finds it. */
function control<T extends HTMLElement = HTMLInputElement>(name: string): T {
  const label = [...document.querySelectorAll("label")].find((each) => each.textContent!.trim().split(" ")[0] === name);
  const inside = label?.querySelector("input");
  const found = label ? (inside ?? document.getElementById(label.htmlFor)) : document.querySelector(`[aria-label="${name}"]`);
  if (!found) throw new Error(`there is no ${name} in ${document.body.innerHTML}`);
  return found as T;
}

async function type(name: string, text: string): Promise<void> {
  const found = control(name);
  found.value = text;
  found.dispatchEvent(new Event(found.tagName === "SELECT" ? "change" : "input"));
  await settled();
}

async function click(name: string): Promise<void> {
  control(name).click();
  await settled();
}

test("each type has a control, and gives values of its type", async () => {
  show({
    text: field("string"),
    secret: field("password"),
    count: field("int"),
    kind: field("enum", { options: ["a", "b"] }),
    maybe: field("boolean"),
    on: field("boolean", { default: false }),
    when: field("date"),
    data: field("json"),
    hostId: field("reference[host]"),
  });
  await type("text", "words");
  await type("secret", "hidden");
  await type("count", "5");
  await type("kind", "b");
  await type("maybe", "false");
  await click("on");
  await type("when", "2015-11-24T09:00");
  await type("data", '{"a": [1]}');
  await type("hostId", "1h1");
  expect(control("secret").type).toBe("password");
  expect(control("on").type).toBe("checkbox");
  expect(body()).toEqual({
    text: "words",
    secret: "hidden",
    count: 5,
    kind: "b",
    maybe: false,
    on: true,
    when: "2015-11-24T09:00:00Z",
    data: { a: [1] },
    hostId: "1h1",
  });
});

test("JSON that cannot be read holds the form back", async () => {
  show({ data: field("json") });
  await type("data", "{");
  expect(control("data").validationMessage).toContain("not JSON");
  await type("data", "{}");
  expect(control("data").validationMessage).toBe("");
});

test("a reference offers what exists by name", async () => {
  show({ hostId: field("reference[host]") });
  control("hostId").dispatchEvent(new Event("focus"));
  await settled();
  const options = [...document.querySelectorAll("datalist option")] as HTMLOptionElement[];
  expect(options.map((option) => [option.value, option.textContent])).toEqual([["1h1", "node-a, active"]]);
  await type("hostId", "1h1");
  expect(document.body.textContent).toContain("node-a, active");
});

test("lists and maps grow and shrink", async () => {
  show({ ports: field("array[string]"), labels: field("map[string]") });
  await click("Add to ports");
  await click("Add to ports");
  await type("ports", "80");
  const inputs = [...document.querySelectorAll<HTMLTextAreaElement>(".element textarea")];
  inputs[1]!.value = "443";
  inputs[1]!.dispatchEvent(new Event("input"));
  await click("Add to labels");
  await type("labels key 1", "tier");
  expect(body()).toEqual({ ports: ["80", "443"], labels: { tier: "" } });
  await click("Remove ports 1");
  expect(body()).toEqual({ ports: ["443"], labels: { tier: "" } });
  await click("Remove labels 1");
  expect(body()).toEqual({ ports: ["443"] });
});

test("an object is the form of its own type", async () => {
  show({ healthCheck: field("check") });
  await click("Add healthCheck");
  await type("port", "80");
  expect(body()).toEqual({ healthCheck: { port: 80 } });
  await click("Remove healthCheck");
  expect(body()).toEqual({});
});

test("an object that is changed is sent whole", async () => {
  show({ healthCheck: field("check") }, "update", { healthCheck: { port: 80, line: null, other: "kept" } });
  await settled();
  await type("port", "81");
  expect(body()).toEqual({ healthCheck: { port: 81, other: "kept" } });
});

test("an object of a type that nobody shows us is written as JSON", async () => {
  show({ config: field("unknownConfig") });
  await click("Add config");
  await type("config as JSON", '{"a":1}');
  expect(body()).toEqual({ config: { a: 1 } });
});

test("a refusal stands at the field that it names", async () => {
  show({ name: field("string", { required: true }), count: field("int") });
  problem.value = new Problem(422, "MissingRequired", "name is required", "name");
  await settled();
  expect(control("name").getAttribute("aria-invalid")).toBe("true");
  const described = control("name").getAttribute("aria-describedby")!.split(" ");
  const words = described.map((id) => document.getElementById(id)!.textContent).join(" ");
  expect(words).toContain("name is required");
  expect(words).toContain("MissingRequired");
  expect(control("count").hasAttribute("aria-invalid")).toBe(false);
});

test("a refusal stands at a field inside of an object", async () => {
  show({ name: field("string"), healthCheck: field("check") });
  await click("Add healthCheck");
  problem.value = new Problem(422, "MissingRequired", "port is required", "port");
  await settled();
  expect(control("port").getAttribute("aria-invalid")).toBe("true");
  expect(document.querySelectorAll("[aria-invalid]").length).toBe(1);
});

test("many fields are folded, but not those that matter nor the one that was refused", async () => {
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`field${n}`, field("string")]));
  show({ ...many, key: field("string", { required: true }), name: field("string"), field7: field("int", { default: 7 }) });
  const others = document.querySelector("details")!;
  expect(others.open).toBe(false);
  expect(others.contains(control("name"))).toBe(false);
  expect(others.contains(control("key"))).toBe(false);
  expect(others.contains(control("field7"))).toBe(true);
  await type("Find", "FIELD1");
  const visible = [...others.querySelectorAll<HTMLElement>(".field")].filter((each) => each.style.display !== "none");
  expect(visible.length).toBe(11);
  problem.value = new Problem(422, "InvalidOption", "no", "field9");
  await settled();
  expect(others.open).toBe(true);
  expect(control("field9").closest<HTMLElement>(".field")!.style.display).toBe("");
});

test("an update begins with what is there, and shows it first", () => {
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`field${n}`, field("string")]));
  show(many, "update", { field5: "here", field6: null });
  expect(control("field5").value).toBe("here");
  expect(document.querySelector("details")!.contains(control("field5"))).toBe(false);
  expect(document.querySelector("details")!.contains(control("field6"))).toBe(true);
  expect(values.value.field6).toBeUndefined();
});
