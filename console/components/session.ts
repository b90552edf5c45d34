// Who is signed in. Every screen asks here.
import { useQuery } from "@tanstack/react-query";
import { readMe } from "../api/identity";

export function useSession() {
  const query = useQuery({ queryKey: ["me"], queryFn: readMe, staleTime: 60_000 });
  return { me: query.data ?? undefined, signedOut: query.data === null, pending: query.isPending, error: query.error, again: query.refetch };
}
