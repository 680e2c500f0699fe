import { describe, expect, test } from "vitest";
import { literal, quoted, write, type Call } from "../src/browser/copyAs";

const around = { base: "http://s:8080/v1/projects/1a5", withKeys: true };
const open = { ...around, withKeys: false };
const list: Call = { method: "GET", url: `${around.base}/containers?name_prefix=web&limit=5`, type: "container" };
const creation: Call = {
  method: "POST",
  url: `${around.base}/containers`,
  type: "container",
  body: { name: "it's", startOnCreate: true, user: null },
};

describe("curl", () => {
  test("reads with the keys of the environment", () => {
    expect(write("curl", list, around)).toBe(
      "curl -sS \\\n  -u \"$RANCHER_ACCESS_KEY:$RANCHER_SECRET_KEY\" \\\n  -H 'Accept: application/json' \\\n" +
        "  'http://s:8080/v1/projects/1a5/containers?name_prefix=web&limit=5'",
    );
  });

  test("writes a body that no shell takes apart", () => {
    const text = write("curl", creation, open);
    expect(text).toContain("-X POST");
    expect(text).not.toContain("-u ");
    expect(text).toContain(`-d '{"name":"it'\\''s","startOnCreate":true,"user":null}'`);
  });
});

describe("the command line", () => {
  test("gets the path and the body", () => {
    const words = `trailboss api POST /v1/projects/1a5/containers '{"name":"it'\\''s","startOnCreate":true,"user":null}'`;
    expect(write("CLI", creation, around).split("\n")[1]).toBe(words);
    expect(write("CLI", list, open)).toBe(
      "export RANCHER_URL=http://s:8080\ntrailboss api GET '/v1/projects/1a5/containers?name_prefix=web&limit=5'",
    );
  });
});

describe("Python", () => {
  const item = { type: "container", id: "1i5", url: `${around.base}/containers/1i5` };

  test.each<[Call, string]>([
    [list, 'print(client.list("container", **{"name_prefix": "web", "limit": "5"}))'],
    [{ ...item, method: "GET" }, 'print(client.by_id("container", "1i5"))'],
    [creation, 'print(client.create("container", {"name": "it\'s", "startOnCreate": True, "user": None}))'],
    [{ ...item, method: "PUT", body: { name: "x" } }, 'print(client.update(resource, {"name": "x"}))'],
    [{ ...item, method: "DELETE" }, "print(client.delete(resource))"],
    [{ ...item, method: "POST", action: "start", body: {} }, 'print(client.action(resource, "start"))'],
    [{ ...item, method: "POST", action: "stop", body: { timeout: 1 } }, 'print(client.action(resource, "stop", {"timeout": 1}))'],
    [{ method: "GET", url: "http://s:8080/v1/hosts/1h1/x" }, 'print(client._get("http://s:8080/v1/hosts/1h1/x"))'],
  ])("%j", (call, last) => {
    const text = write("Python", call, around);
    expect(text.split("\n").at(-1)).toBe(last);
    expect(text).toContain('url="http://s:8080/v1/projects/1a5/schemas"');
    expect(text).toContain('os.environ["RANCHER_SECRET_KEY"]');
  });

  test("needs no keys where the server asks for none", () => {
    expect(write("Python", list, open)).not.toContain("environ");
  });

  test("writes values as Python does", () => {
    expect(literal({ a: [true, false, null, 1.5, 'x"\n'] })).toBe('{"a": [True, False, None, 1.5, "x\\"\\n"]}');
  });
});

test("a shell gets words as they are, and quotes where they are needed", () => {
  expect(quoted("/v1/containers")).toBe("/v1/containers");
  expect(quoted("$(reboot)")).toBe("'$(reboot)'");
  expect(quoted("")).toBe("''");
});
