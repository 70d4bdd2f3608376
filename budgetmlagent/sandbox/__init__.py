"""The sandbox: scripts are run and scored where they can do no harm."""
