// Server-sent events: what happened, as it happens. The browser reconnects by itself and resumes where it was.
import { useEffect, useRef } from "react";

export function useEvents(query: string, heard: () => void) {
  const latest = useRef(heard);
  latest.current = heard;
  useEffect(() => {
    const source = new EventSource(`/events?${query}`, { withCredentials: true });
    let waiting: number | undefined;
    // A burst of events is one change to look at.
    const soon = () => {
      window.clearTimeout(waiting);
      waiting = window.setTimeout(() => latest.current(), 150);
    };
    source.onmessage = soon;
    source.onopen = soon;
    return () => {
      window.clearTimeout(waiting);
      source.close();
    };
  }, [query]);
}
