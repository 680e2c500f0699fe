// Requests to the API, as the page's own origin: JSON in, JSON out, every refusal as a Problem.

import type { ApiError, Json } from "./types";

/** A request that was refused, or that nobody answered (status 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fieldName: string | null = null,
    readonly detail: string | null = null,
  ) {
    super(message);
  }
}

/** Where a URL of the API is for this page: a proxy may have another name than the one the server writes. */
export function local(url: string): string {
  const found = new URL(url, location.origin);
  return location.origin + found.pathname + found.search;
}

/** Send a request and return the document of the answer. Throws Problem. */
export async function request<T>(method: string, url: string, body?: Json): Promise<T> {
  // Without a challenge: the browser would ask for a password in the middle of a form.
  const headers: Record<string, string> = { Accept: "application/json", "X-API-No-Challenge": "true" };
  if (method !== "GET") headers["X-API-CSRF"] = csrfToken(document.cookie);
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    const content = body === undefined ? null : JSON.stringify(body);
    response = await fetch(local(url), { method, headers, body: content, cache: "no-store" });
  } catch {
    throw new Problem(0, "NoAnswer", "The server does not answer. Is it running?");
  }
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer as T;
  throw problemOf(response.status, answer);
}

function problemOf(status: number, answer: unknown): Problem {
  const error = (answer ?? {}) as Partial<ApiError>;
  const code = error.code ?? `HTTP ${status}`;
  return new Problem(status, code, error.message ?? code, error.fieldName, error.detail);
}

export function csrfToken(cookies: string): string {
  return /(?:^|;\s*)CSRF=([^;]*)/.exec(cookies)?.[1] ?? "";
}
