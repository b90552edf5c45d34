// Tokens as identity lists them.
import type { TokenRow } from "../components/TokenTable";
import { call } from "./call";
import type { Page, Token } from "./identity";

export interface NewTokenAnswer extends Token {
  token: string;
}

export const listTokens = (query: string) => call<Page<Token>>({ method: "GET", to: "identity", path: `/tokens${query}` });

export const row = (token: Token): TokenRow => ({
  id: token.id,
  name: token.name,
  description: token.description,
  prefix: token.prefix,
  scopes: token.scopes,
  adminAccess: token.adminAccess,
  owner: token.owner.name,
  createdBy: token.createdBy.name ?? "",
  createdAt: token.createdAt,
  lastUsedAt: token.lastUsedAt,
  expiresAt: token.expiresAt,
  revokedAt: token.revokedAt,
  kind: token.kind,
});
