// Every screen has an address. One route is one lazily loaded part.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { Frame } from "../components/Frame";
import { NotThere } from "../components/NotThere";

const root = createRootRoute({ component: Frame, notFoundComponent: NotThere });

const home = createRoute({ getParentRoute: () => root, path: "/", component: lazyRouteComponent(() => import("./Home"), "Home") });
const jobs = createRoute({
  getParentRoute: () => root,
  path: "/jobs",
  validateSearch: (search: Record<string, unknown>): { state?: string } =>
    typeof search.state === "string" ? { state: search.state } : {},
  component: lazyRouteComponent(() => import("./Jobs"), "Jobs"),
});
const job = createRoute({
  getParentRoute: () => root,
  path: "/jobs/$jobId",
  component: lazyRouteComponent(() => import("./Job"), "JobPage"),
});
const ingestTokens = createRoute({
  getParentRoute: () => root,
  path: "/ingest/api-tokens",
  component: lazyRouteComponent(() => import("./ingest/ApiTokens"), "ApiTokens"),
});
const semanticToken = createRoute({
  getParentRoute: () => root,
  path: "/semantic/user-token",
  component: lazyRouteComponent(() => import("./semantic/UserToken"), "UserToken"),
});
const technicalUsers = createRoute({
  getParentRoute: () => root,
  path: "/vault/technical-users",
  component: lazyRouteComponent(() => import("./vault/TechnicalUsers"), "TechnicalUsers"),
});
const myTokens = createRoute({
  getParentRoute: () => root,
  path: "/account/api-tokens",
  component: lazyRouteComponent(() => import("./account/MyTokens"), "MyTokens"),
});
const administration = createRoute({
  getParentRoute: () => root,
  path: "/administration",
  component: lazyRouteComponent(() => import("./administration/Administration"), "Administration"),
});
const integration = createRoute({
  getParentRoute: () => administration,
  path: "/integration",
  validateSearch: (search: Record<string, unknown>): { tab?: "tokens" } => (search.tab === "tokens" ? { tab: "tokens" } : {}),
  component: lazyRouteComponent(() => import("./administration/Integration"), "Integration"),
});
const allTokens = createRoute({
  getParentRoute: () => administration,
  path: "/tokens",
  component: lazyRouteComponent(() => import("./administration/AllTokens"), "AllTokens"),
});

export const router = createRouter({
  basepath: "/console",
  routeTree: root.addChildren([
    home,
    jobs,
    job,
    ingestTokens,
    semanticToken,
    technicalUsers,
    myTokens,
    administration.addChildren([integration, allTokens]),
  ]),
  defaultPreload: "intent",
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
