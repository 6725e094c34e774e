/* notify.h - tells systemd how far we are (sd_notify); without systemd nothing happens. */
#pragma once

void notify_ready(const char *status); /* READY=1 and a line of text */
void notify_reloading(void);
void notify_stopping(void);
