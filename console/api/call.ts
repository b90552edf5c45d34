// The one function that every request passes. It keeps the last calls, so that the console can show each of them.

export type PackageName = "identity" | "catalog" | "ingest" | "semantic" | "vault" | "production";

export const BASES: Record<PackageName, string> = {
  identity: "/identity",
  catalog: "/catalog/v2",
  ingest: "/ingest",
  semantic: "/semantic",
  vault: "/vault",
  production: "/production",
};

/** The header in which each package's own clients send a token. */
export const TOKEN_HEADERS: Record<PackageName, string> = {
  identity: "Authorization: Bearer $TESSERA_TOKEN",
  catalog: "Authorization: Bearer $TESSERA_TOKEN",
  ingest: "Authorization: $TESSERA_TOKEN",
  semantic: "x-api-key: $TESSERA_TOKEN",
  vault: "Authorization: Bearer $TESSERA_TOKEN",
  production: "Authorization: Bearer $TESSERA_TOKEN",
};

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** A call that a script could make as well. */
export interface Draft {
  method: Method;
  to: PackageName;
  path: string;
  body?: unknown;
}

export interface Call extends Draft {
  id: number;
  at: Date;
  status: number;
  milliseconds: number;
  bytes: number;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly field: string | null,
    readonly requestId: string | null,
    readonly call: Draft,
  ) {
    super(message);
  }
}

const KEPT = 100;
const SECRET_FIELDS = new Set(["password", "token", "apiToken", "secret", "code"]);
let calls: readonly Call[] = [];
let counter = 0;
const watchers = new Set<() => void>();

export const history = {
  subscribe(watcher: () => void) {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  },
  read: () => calls,
};

/** A body as it may be shown: what is secret becomes `***`. */
export function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, SECRET_FIELDS.has(name) && inner ? "***" : masked(inner)]),
  );
}

export async function call<T>(draft: Draft, signal?: AbortSignal): Promise<T> {
  const began = performance.now();
  const headers: Record<string, string> = { accept: "application/json", "x-tessera-csrf": "1" };
  if (draft.body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(BASES[draft.to] + draft.path, {
      method: draft.method,
      headers,
      credentials: "same-origin",
      ...(draft.body === undefined ? {} : { body: JSON.stringify(draft.body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "The server does not answer. What you typed is kept; try again in a moment.", null, null, draft);
  }
  const text = await response.text();
  remember({ ...draft, body: masked(draft.body) }, response.status, performance.now() - began, text.length);
  if (!response.ok) throw problem(response, text, draft);
  return (text ? JSON.parse(text) : undefined) as T;
}

function remember(draft: Draft, status: number, milliseconds: number, bytes: number) {
  counter += 1;
  calls = [{ ...draft, id: counter, at: new Date(), status, milliseconds, bytes }, ...calls].slice(0, KEPT);
  for (const watcher of watchers) watcher();
}

/** Each package has its own envelope; all of them say somewhere what was wrong. */
function problem(response: Response, text: string, draft: Draft): ApiError {
  const requestId = response.headers.get("x-request-id");
  let message = `The server answered ${response.status}.`;
  let field: string | null = null;
  try {
    const body = JSON.parse(text);
    const inner = typeof body.error === "object" && body.error !== null ? body.error : body;
    message = inner.message ?? inner.detailMessage ?? inner.data ?? inner.msg ?? message;
    field = inner.field ?? null;
  } catch {
    // Not JSON: the status has to do.
  }
  return new ApiError(response.status, message, field, requestId, draft);
}

export function asCurl(draft: Draft): string {
  const lines = [`curl --request ${draft.method} '${window.location.origin}${BASES[draft.to]}${draft.path}'`];
  lines.push(`  --header "${TOKEN_HEADERS[draft.to]}"`);
  if (draft.body !== undefined) {
    lines.push("  --header 'Content-Type: application/json'");
    lines.push(`  --data '${JSON.stringify(draft.body).replaceAll("'", `'\\''`)}'`);
  }
  return lines.join(" \\\n");
}
