// What can be done with what a page shows: each is a request with a form, made from schemas.

import type { Collection, Field, Fields, Resource, Schema } from "../api/types";
import { fieldsFor, initialValues, type Mode } from "../forms/values";
import type { Call } from "./copyAs";

export interface Operation {
  title: string;
  /** Text of the button that sends it. */
  verb: string;
  call: Omit<Call, "body">;
  mode: Mode;
  fields: Record<string, Field>;
  /** How the form begins, and what of it counts as unchanged. */
  values: Fields;
  initial: Fields;
  /** What is to be known before, in a sentence. */
  explanation?: string;
  isDangerous?: boolean;
  /** Fields that only the answer to this shows. */
  shownOnce: string[];
}

export function nameOf(resource: Resource): string {
  return typeof resource.name === "string" && resource.name ? `${resource.name} (${resource.id})` : resource.id;
}

/** Create a resource of a type. page: the collection from which; what it presets stands in the form. */
export function creation(schema: Schema, page: Collection): Operation {
  const fields = fieldsFor(schema.resourceFields, "create");
  const initial = initialValues(fields);
  const url = page.createTypes[schema.id] ?? schema.links.collection ?? page.links.self!;
  return {
    title: `Create ${schema.id}`,
    verb: "Create",
    call: { method: "POST", url, type: schema.id },
    mode: "create",
    fields,
    initial,
    values: { ...initial, ...page.createDefaults },
    shownOnce: Object.keys(schema.resourceFields).filter((name) => schema.resourceFields[name]!.readOnCreateOnly),
  };
}

export function edition(schema: Schema, resource: Resource): Operation {
  const fields = fieldsFor(schema.resourceFields, "update");
  const initial = initialValues(fields, resource as unknown as Fields);
  return {
    title: `Edit ${resource.type} ${nameOf(resource)}`,
    verb: "Save",
    call: { method: "PUT", url: resource.links.self!, type: resource.type, id: resource.id },
    mode: "update",
    fields,
    initial,
    values: initial,
    shownOnce: [],
  };
}

const DANGEROUS = ["remove", "purge", "deactivate", "stop"];

/** Do an action of a resource. input: the schema of what it takes, if it takes something. */
export function action(resource: Resource, name: string, input: Schema | null): Operation {
  const fields = input ? fieldsFor(input.resourceFields, "create") : {};
  const initial = initialValues(fields);
  return {
    title: `${name}: ${resource.type} ${nameOf(resource)}`,
    verb: `Run ${name}`,
    call: { method: "POST", url: resource.actions[name]!, type: resource.type, id: resource.id, action: name },
    mode: "create",
    fields,
    initial,
    values: initial,
    shownOnce: [],
    isDangerous: DANGEROUS.includes(name),
    ...(input ? {} : { explanation: "This action takes no input." }),
  };
}

export function deletion(resource: Resource): Operation {
  return {
    title: `Delete ${resource.type} ${nameOf(resource)}?`,
    verb: "Delete",
    call: { method: "DELETE", url: resource.links.self!, type: resource.type, id: resource.id },
    mode: "update",
    fields: {},
    initial: {},
    values: {},
    shownOnce: [],
    explanation: "It is removed with what belongs to it. This cannot be undone from here.",
    isDangerous: true,
  };
}

/** Whether the answer of an operation must be read before the page goes on: it says something that is nowhere else. */
export function mustBeRead(operation: Operation, result: Resource): boolean {
  if (operation.call.action) return result.id !== operation.call.id;
  return operation.shownOnce.some((name) => result[name] != null);
}
