"""The programs that run inside the sandbox. They import nothing of ours but each their own folder."""
