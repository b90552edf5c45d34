// Identity's own calls: who am I, tokens, jobs, home.
import { type Draft, call } from "./call";

export interface Me {
  id: string;
  kind: string;
  username: string;
  email: string | null;
  fullName: string;
  roles: Record<string, string>;
  isAdministrator: boolean;
  /** False: no jwt_secret is set, so signed tokens end at each restart. */
  signedTokensSurviveRestart: boolean;
}

export interface Token {
  id: string;
  kind: "personal" | "integration" | "api" | "semantic";
  name: string;
  description: string;
  prefix: string;
  scopes: string[];
  adminAccess: boolean;
  origin: string;
  owner: { id: string; kind: string; name: string; email: string | null };
  createdBy: { id: string | null; name: string | null; email: string | null };
  createdAt: string;
  lastUsedAt: string | null;
  expiresAt: string | null;
  revokedAt: string | null;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

export type JobState = "queued" | "running" | "succeeded" | "failed" | "cancelled";

export interface Job {
  id: string;
  kind: string;
  package: string;
  title: string;
  state: JobState;
  attempt: number;
  failures: number;
  runAfter: string;
  isCancelRequested: boolean;
  progress: { done: number | null; total: number | null; text: string | null };
  rows: { read: number; written: number; rejected: number };
  result: unknown;
  error: string | null;
  createdBy: string | null;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
}

export const signIn = (login: string, password: string): Draft => ({
  method: "POST",
  to: "identity",
  path: "/sign-in",
  body: { login, password },
});
export const signOut: Draft = { method: "POST", to: "identity", path: "/sign-out", body: {} };
/** Who is signed in; null for nobody. */
export const readMe = async () => (await call<{ me: Me | null }>({ method: "GET", to: "identity", path: "/session" })).me;
