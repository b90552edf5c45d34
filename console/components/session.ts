// Who is signed in. Every screen asks here.
import { useQuery } from "@tanstack/react-query";
import { ApiError } from "../api/call";
import { readMe } from "../api/identity";

export function useSession() {
  const query = useQuery({ queryKey: ["me"], queryFn: readMe, staleTime: 60_000 });
  const signedOut = query.error instanceof ApiError && query.error.status === 401;
  return { me: signedOut ? undefined : query.data, signedOut, pending: query.isPending, error: query.error, again: query.refetch };
}
