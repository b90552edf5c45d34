"""What every room stands on and no room owns: database, routes, events, jobs, errors. It knows no domain."""
