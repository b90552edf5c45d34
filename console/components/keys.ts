// Keys that act on the whole page, by the character they write: layouts put "~" and "?" on different keys.
import { useEffect, useRef } from "react";

/** No key acts while a field has the focus, or together with Ctrl, Alt or Meta. */
export function useKeys(acts: Record<string, () => void>) {
  const latest = useRef(acts);
  latest.current = acts;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const target = event.target instanceof HTMLElement ? event.target : null;
      const types = target !== null && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
      const act = latest.current[event.key];
      if (types || !act || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      act();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, []);
}
