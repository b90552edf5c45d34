// The form that makes a token, and after it the dialogue that shows the secret once.
import { Button, Group, Modal, Stack, Switch, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useRef, useState } from "react";
import { ApiError, type Draft, type PackageName, call } from "../api/call";
import { Failed } from "./Failed";
import { SecretDialog } from "./SecretDialog";
import { ShowCall } from "./ShowCall";

export interface TokenForm {
  name: string;
  description: string;
  adminAccess: boolean;
}

interface Props<Answer> {
  /** Words on the button that opens the form, and on the one that sends it. */
  open: string;
  send: string;
  title: string;
  to: PackageName;
  draft: (form: TokenForm) => Draft;
  secretOf: (answer: Answer) => string;
  changed: () => unknown;
  /** Fields beside the name. */
  asks: ("description" | "adminAccess")[];
  nameHint?: ReactNode;
}

const EMPTY: TokenForm = { name: "", description: "", adminAccess: false };

export function NewToken<Answer>({ open, send, title, to, draft, secretOf, changed, asks, nameHint }: Props<Answer>) {
  const [form, setForm] = useState<TokenForm | null>(null);
  const [secret, setSecret] = useState<{ name: string; value: string } | null>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const make = useMutation({
    gcTime: 0, // the answer holds the secret: it must not stay in a cache
    mutationFn: async (filled: TokenForm) => {
      const answer = await call<Answer>(draft(filled));
      setSecret({ name: filled.name, value: secretOf(answer) });
    },
    onSuccess: () => {
      setForm(null);
      return changed();
    },
  });
  const leave = () => {
    make.reset();
    setForm(null);
  };
  const nameProblem =
    make.error instanceof ApiError && make.error.field && /name/i.test(make.error.field) ? make.error.message : null;
  return (
    <>
      <Button ref={opener} onClick={() => setForm(EMPTY)}>{open}</Button>
      <Modal opened={form !== null} onClose={leave} title={title} closeButtonProps={{ "aria-label": "Close" }}>
        {form ? (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              make.mutate(form);
            }}
          >
            <Stack>
              <TextInput
                label="Name"
                description={nameHint ?? "Say what will use it, to know it again later."}
                required
                maxLength={255}
                data-autofocus
                error={nameProblem}
                value={form.name}
                onChange={(event) => setForm({ ...form, name: event.currentTarget.value })}
              />
              {asks.includes("description") ? (
                <TextInput
                  label="Description"
                  value={form.description}
                  onChange={(event) => setForm({ ...form, description: event.currentTarget.value })}
                />
              ) : null}
              {asks.includes("adminAccess") ? (
                <Switch
                  label="Admin Access"
                  description="Needed to create users, update users and update licences."
                  checked={form.adminAccess}
                  onChange={(event) => setForm({ ...form, adminAccess: event.currentTarget.checked })}
                />
              ) : null}
              {nameProblem ? null : <Failed error={make.error} />}
              <Group justify="end">
                <ShowCall draft={draft(form)} label={title} />
                <Button type="submit" loading={make.isPending}>
                  {send}
                </Button>
              </Group>
            </Stack>
          </form>
        ) : null}
      </Modal>
      <SecretDialog secret={secret} to={to} close={() => {
          setSecret(null);
          // Two dialogues stood one after the other; the focus goes back to where the first was opened.
          window.setTimeout(() => opener.current?.focus());
        }} />
    </>
  );
}
