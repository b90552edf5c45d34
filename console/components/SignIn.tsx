import { Button, Center, Group, Image, Paper, PasswordInput, Stack, TextInput, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/call";
import { signIn } from "../api/identity";
import { Failed } from "./Failed";

export function SignIn() {
  const queries = useQueryClient();
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const send = useMutation({
    mutationFn: () => call(signIn(login, password)),
    onSuccess: () => {
      setPassword("");
      return queries.invalidateQueries();
    },
  });
  return (
    <Center mih="100vh" p="md" component="main">
      <Paper withBorder p="xl" w={380} maw="100%">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            send.mutate();
          }}
        >
          <Stack>
            <Group gap="xs">
              <Image src="/console/tessera.svg" alt="" w={28} h={28} />
              <Title order={1} size="h3">
                Sign in to Tessera
              </Title>
            </Group>
            <TextInput
              label="E-mail or user name"
              name="login"
              autoComplete="username"
              required
              data-autofocus
              value={login}
              onChange={(event) => setLogin(event.currentTarget.value)}
            />
            <PasswordInput
              label="Password"
              name="password"
              autoComplete="current-password"
              required
              visibilityToggleButtonProps={{ "aria-label": "Show or hide the password", tabIndex: 0 }}
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
            />
            <Failed error={send.error} />
            <Button type="submit" loading={send.isPending}>
              Sign in
            </Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}
