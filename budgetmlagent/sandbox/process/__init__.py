"""A script as a process: probed for, launched, watched, and outliving whoever watched it."""
