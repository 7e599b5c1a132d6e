#!/bin/sh
# Write a backup a day to /backups and keep the newest fourteen.
set -u
while :; do
    if python manage.py backup "/backups/backup-$(date -u +%Y%m%d-%H%M%S).tar" --keep 14; then
        pause=86400
    else
        echo "backup failed, trying again in ten minutes" >&2
        pause=600
    fi
    sleep "$pause"
done
