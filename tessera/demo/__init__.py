"""The demo: real flights through all five packages, over HTTP alone, as any client would. It knows no room's inside."""
