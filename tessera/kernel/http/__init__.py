"""The table of routes: declare, match, decode, call, encode. It holds no rule of any package."""
