// What stands around every screen: rooms on the left, profile on the right, calls at the bottom.
import { Alert, AppShell, Burger, Button, Center, Group, Image, Loader, Menu, NavLink, Stack, Text, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { call } from "../api/call";
import { type Me, signOut } from "../api/identity";
import { AllApis, DataGalaxyApi } from "./BaseUrls";
import { CallPanel } from "./CallPanel";
import { Failed } from "./Failed";
import { Keyboard } from "./Keyboard";
import { SchemeSwitch } from "./SchemeSwitch";
import { SignIn } from "./SignIn";
import { useKeys } from "./keys";
import { useSession } from "./session";

export function Frame() {
  const session = useSession();
  if (session.pending) {
    return (
      <Center h="100vh">
        <Loader aria-label="Loading" />
      </Center>
    );
  }
  if (session.signedOut) return <SignIn />;
  if (!session.me) {
    return (
      <Center h="100vh" p="md">
        <Failed error={session.error} again={() => session.again()} />
      </Center>
    );
  }
  return <Shell me={session.me} />;
}

type Dialogue = "datagalaxy" | "all" | "keyboard" | null;

function Shell({ me }: { me: Me }) {
  const [menuOpened, menu] = useDisclosure(false);
  const [callsOpened, calls] = useDisclosure(false);
  const [dialogue, setDialogue] = useState<Dialogue>(null);
  useKeys({ "~": calls.toggle, "`": calls.toggle, "?": () => setDialogue("keyboard") });
  return (
    <AppShell header={{ height: 52 }} navbar={{ width: 210, breakpoint: "sm", collapsed: { mobile: !menuOpened } }} padding="lg">
      <a className="skip-link" href="#page">
        Skip to the page
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger opened={menuOpened} onClick={menu.toggle} hiddenFrom="sm" size="sm" aria-label="Rooms" />
            <Image src="/console/tessera.svg" alt="" w={24} h={24} />
            <Text fw={700}>Tessera</Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <Button variant="subtle" color="gray" size="compact-sm" onClick={calls.toggle} aria-expanded={callsOpened}>
              Calls
            </Button>
            <Profile me={me} open={setDialogue} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Rooms">
        <Rooms me={me} />
      </AppShell.Navbar>
      <AppShell.Main id="page" tabIndex={-1} pb={callsOpened ? 340 : "lg"}>
        <Outlet />
      </AppShell.Main>
      {callsOpened ? <CallPanel close={calls.close} /> : null}
      <DataGalaxyApi opened={dialogue === "datagalaxy"} close={() => setDialogue(null)} />
      <AllApis opened={dialogue === "all"} close={() => setDialogue(null)} />
      <Keyboard opened={dialogue === "keyboard"} close={() => setDialogue(null)} />
    </AppShell>
  );
}

function Rooms({ me }: { me: Me }) {
  const path = useLocation({ select: (location) => location.pathname });
  const may = (name: string) => me.isAdministrator || name in me.roles;
  const leaf = (to: string, label: string) => (
    <NavLink key={to} component={Link} to={to} label={label} active={to === "/" ? path === "/" : path.startsWith(to)} />
  );
  return (
    <Stack gap={2}>
      {leaf("/", "Home")}
      {leaf("/jobs", "Jobs")}
      {may("ingest") ? (
        <Room name="Ingest">
          <Menu shadow="md" position="bottom-start" withinPortal={false} withInitialFocusPlaceholder={false}>
            <Menu.Target>
              <NavLink component="button" label="More" />
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item component={Link} to="/ingest/api-tokens">
                API Tokens
              </Menu.Item>
              <Menu.Item component="a" href="/docs/ingest">
                API reference
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Room>
      ) : null}
      {may("vault") ? (
        <Room name="Vault">{leaf("/vault/technical-users", "Technical users")}</Room>
      ) : null}
      {may("semantic") ? (
        <Room name="Semantic">{leaf("/semantic/user-token", "User token")}</Room>
      ) : null}
      {me.isAdministrator ? leaf("/administration", "Administration") : null}
    </Stack>
  );
}

/** A package's screens under its name. */
function Room({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div role="group" aria-label={name}>
      <Text size="sm" px="sm" pt="sm" pb={4} c="dimmed" aria-hidden>
        {name}
      </Text>
      {children}
    </div>
  );
}

function Profile({ me, open }: { me: Me; open: (dialogue: Dialogue) => void }) {
  const queries = useQueryClient();
  const [failed, setFailed] = useState<string | null>(null);
  async function leave() {
    try {
      await call(signOut);
      queries.clear();
      window.location.assign("/console/");
    } catch (error) {
      setFailed(String(error instanceof Error ? error.message : error));
    }
  }
  return (
    <Menu shadow="md" position="bottom-end" width={240} withinPortal={false} withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <UnstyledButton aria-label={`Profile menu: ${me.fullName || me.username}`}>
          <Text size="sm">{me.fullName || me.username}</Text>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{me.email ?? me.username}</Menu.Label>
        <Menu.Item component={Link} to="/account/api-tokens">
          API tokens
        </Menu.Item>
        <Menu.Item onClick={() => open("datagalaxy")}>DataGalaxy API</Menu.Item>
        <Menu.Item onClick={() => open("all")}>All APIs</Menu.Item>
        {me.isAdministrator ? (
          <Menu.Item component={Link} to="/administration">
            Administration
          </Menu.Item>
        ) : null}
        <SchemeSwitch />
        <Menu.Item onClick={() => open("keyboard")}>Keyboard</Menu.Item>
        <Menu.Divider />
        <Menu.Item onClick={leave}>Sign out</Menu.Item>
        {failed ? <Alert color="red">{failed}</Alert> : null}
      </Menu.Dropdown>
    </Menu>
  );
}
