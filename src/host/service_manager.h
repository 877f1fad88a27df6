/* service_manager: tells the service manager (systemd) that started the broker how it is doing, by datagrams
 * to the socket that NOTIFY_SOCKET names; the protocol is described in sd_notify(3). Without such a socket no
 * function does anything. Prefix: service_manager_ */
#ifndef ETALON_HOST_SERVICE_MANAGER_H
#define ETALON_HOST_SERVICE_MANAGER_H

#include <uv.h>

/* The broker serves its clients now. */
void service_manager_ready(void);

/* The configuration is read again; service_manager_ready follows. */
void service_manager_reloading(void);

/* The broker is ending. */
void service_manager_stopping(void);

/* Shows the service manager that `loop` still turns, twice as often as it wants to see that (WATCHDOG_USEC);
 * nothing if it does not. `watchdog` is borrowed until the loop closes it. */
void service_manager_watch(uv_loop_t *loop, uv_timer_t *watchdog);

#endif
