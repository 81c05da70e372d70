/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the hub's files say to one another
 */

#include "codec/emit.h"
#include "hub/objects.h"

/* hub.c */
void hub_timer_set(struct hub *hub, struct timer *timer, uint64_t at_ms);
void hub_timer_stop(struct hub *hub, struct timer *timer);
struct link *hub_find_link(struct hub *hub, struct slice name);

/* note.c; the level is of syslog, code a constant of protocol §16 or NULL */
void note_plain(struct hub *hub, int level, const char *format, ...) PRINTF(3, 4);
void note_program(const struct program *p, int level, enum hub_event event, const char *code,
		  const char *format, ...) PRINTF(5, 6);
void note_link(const struct link *l, int level, enum hub_event event, const char *format, ...)
	PRINTF(4, 5);
/*
 * Whether a line that somebody can cause at will may be written. ret_more tells
 * of those that were not, to stand behind the text: "" or " (5 more since …)".
 */
#define NOTE_MAX_MORE 64
bool note_is_due(const struct hub *hub, struct throttle *t, char ret_more[NOTE_MAX_MORE]);
void note_free_all(struct hub *hub);

/* admit.c */
/* Whether the newcomer gets a place; if not, it has its bye. */
bool admit_program(struct program *p, struct user *user);
void admit_leave(struct program *p);
void admit_forget_all(struct hub *hub);
/* Root, and the daemon's own user. */
bool admit_is_admin(const struct program *p);

/* share.c */
void share_begin_request(struct program *p);

/* memory.c */
/* Charges what waits because of the program now: at the end of a turn in which that changed. */
void memory_update(struct program *p);
/* So much more waits, until memory_update() looks: the limit holds within a turn, too. */
void memory_add(struct program *p, size_t n);
bool memory_is_spent(const struct program *p);
/* New work of a user that holds too much: true with the request answered. */
bool memory_refuses(struct program *p, const struct request *r);
void memory_enforce_all(struct hub *hub);

/* program.c */
struct program *program_of(const struct peer *peer);
void program_mark_dirty(struct program *p);
/* Who does not read is told so, and leaves. n: bytes; why, behind them: "unread, over the …". */
void program_cut_off(struct program *p, enum hub_event event, size_t n, const char *why);
/* Opens the request's id, or answers why not: false. */
bool program_open_id(struct program *p, struct peer_id *id, enum peer_id_kind kind,
		     const struct request *r);
void program_close_id(struct program *p, struct peer_id *id);
/* Whether the member is a URI that may be sent; false with the request answered. */
bool program_uri_is_valid(struct program *p, const struct request *r, enum member m);
/* The link that a request is for, or NULL with the request answered. */
struct link *program_find_link(struct program *p, const struct request *r);
/* Drops what cannot be served any more when the program sends nothing: §12 half-close. */
void program_drop_registrations(struct program *p);
/* Closes a half-closed program that waits for nothing. */
void program_close_if_idle(struct program *p);

/* link_state.c */
const char *link_state_name(enum link_state state);
/* Tells those who watch, and the log. reason is a URI; message is for people; both may be none. */
void link_set_state(struct link *l, enum link_state state, struct slice reason,
		    struct slice message);

/* link.c */
/* A request needs the router: one that connects on demand does so now. */
void link_wake(struct link *l);
void link_mark_dirty(struct link *l);
uint64_t link_send(struct link *l, const struct wamp_msg *msg);
/* So many bytes of n_sent have reached the router, as far as is known. */
uint64_t link_taken(const struct link *l);
/* Forgets text that was composed for a message which is not sent after all. */
void link_settle(struct link *l);
/* The session is over, for the state's reason; undoes all in the order of §11.6. */
void link_down(struct link *l, enum link_state state, const char *reason, struct slice message);
void link_rejoin(struct link *l, const char *message);
void link_leave(struct link *l);
void link_on_timer(struct link *l);
void link_on_hold_timer(struct link *l);
void link_free(struct link *l);

/* hold.c */
/*
 * Whether the line just taken must wait, and is put back: for room in what is
 * outbound, or, with link_holds(), also for the program's own registrations and
 * subscriptions (§11.1), never for those of others; a publication also until
 * the events before it have been delivered.
 */
bool link_holds_for_room(struct link *l, struct program *p);
bool link_holds(struct link *l, struct program *p, enum op op);
/* Those that need not wait any more. */
void link_wake_blocked(struct link *l);
/* Fewer events wait in the link: those who were held for that. */
void link_wake_publishers(struct link *l);

/* reconnect.c */
enum reconnect_pace {
	PACE_USUAL,   /* and quick for a router that is near */
	PACE_PATIENT, /* the same near and far: there is somebody who asked for patience */
	PACE_SLOW,    /* from LINK_REFUSED_DELAY_MS on */
};
uint64_t reconnect_delay_ms(const struct link_config *config, unsigned n_failures,
			    enum reconnect_pace pace, struct rng *rng);
bool reconnect_is_refusal(struct slice reason);
/* Passing, maybe, but too dear to be tried several times a second. */
bool reconnect_is_costly(struct slice reason);

/* pending.c */
void pending_start(struct pending *p, struct link *l, enum pending_kind kind, enum wamp_type type,
		   uint64_t request, uint64_t timeout_ms);
void pending_stop(struct pending *p);
struct pending *pending_find(struct link *l, uint64_t request);
void pending_on_timer(struct pending *p);

/* away.c */
/* The request needs a session that is not joined. */
void away_refuse(struct program *p, struct link *l, const struct request *r);
/* The same for a publication without an id: counted, and told once a second. */
void away_complain(struct program *p, struct link *l, const struct request *r);
/* The router is there, and not for this: "broker" or "dealer". */
void away_lacks_role(struct program *p, const struct link *l, const struct request *r,
		     const char *role);
/* An open request that fails; of a lost session nobody knows whether it was done. */
void away_fail(struct program *p, const struct link *l, struct reply_to to, enum error_code code,
	       const char *message);

/* calls.c */
/* URI and state of what is to be sent; false with the request answered. */
bool calls_may_send(struct program *p, struct link *l, const struct request *r, enum member uri);
/* The same for its length. */
bool calls_fits(struct program *p, struct link *l, const struct request *r,
		const struct wamp_msg *msg);
void calls_request(struct program *p, struct link *l, const struct request *r);
void calls_answer(struct call *c, const struct session_event *event);
void calls_fail(struct call *c, enum error_code code, const char *message);
void calls_timeout(struct call *c);
/* The caller leaves: it is told if it still reads, and the router is asked to stop the callee. */
void calls_abandon(struct call *c);

/* callee.c */
void callee_invoke(struct link *l, const struct session_event *event);
/* HUB_HELD when the session's queue is full: nobody may end it for all by answering fast. */
int callee_answer(struct program *p, const struct request *r);
/* The program cannot answer any more. */
void callee_cancel(struct invocation *inv, const char *message);
/* The session is gone: the program is told, its answer will be ignored. */
void callee_session_lost(struct invocation *inv);

/* want.c */
struct want *want_find(struct link *l, const struct want_key *key);
struct want *want_find_id(struct link *l, enum want_kind kind, uint64_t id);
struct want *want_get(struct link *l, const struct want_key *key);
/* Whatever changed: queues what the router must be told, or frees a want that nobody has. */
void want_update(struct want *w);
void want_pump(struct link *l);
/* Answers who waits for the end of an undoing. */
void want_release_waiters(struct want *w, bool timed_out);
void want_answer(struct ask *a, const struct session_event *event);
void want_ask_timeout(struct ask *a);
void want_on_timer(struct want *w);
void want_revoked(struct link *l, enum want_kind kind, uint64_t id, struct slice reason);
void want_session_lost(struct link *l);
void want_joined(struct link *l);
void want_free_all(struct link *l);
const char *want_state_name(const struct want *w);

/* handle.c */
void handle_register(struct program *p, struct link *l, const struct request *r);
void handle_subscribe(struct program *p, struct link *l, const struct request *r);
void handle_undo(struct program *p, const struct request *r, enum peer_id_kind kind);
struct handle *handle_free(struct handle *h);
/* What a handle and its share in its want occupy, and its program's user pays for. */
size_t handle_cost(const struct want *w);
struct waiter *waiter_free(struct waiter *w);
/* Tells the program what became of its want, if it does not know yet. */
void handle_tell_active(struct handle *h);
void handle_tell_pending(struct handle *h);
/* A refusal; frees a handle whose request was not answered yet. */
void handle_tell_refused(struct handle *h, const struct session_event *event);
void handle_tell_timeout(struct handle *h);

/* ring.c */
/* Writes the event, lets it wait, or remembers that it is missing. */
void ring_give(struct handle *h, struct event_text *text);
/* n events are missing behind what waits; -1: nobody knows how many. */
void ring_gap(struct handle *h, int64_t n, const char *reason);
/* What waits, as far as the program reads. */
void ring_flush(struct program *p);
void ring_drop_all(struct handle *h);

/* subscriber.c */
/* The subscriber of a program's subscription, made with the first one. False: no memory. */
bool subscriber_join(struct handle *h);
void subscriber_leave(struct handle *h);
struct subscriber *subscriber_find(const struct program *p, const struct want *w);
/*
 * Whether the event is kept back, since it may be the subscriber's own or comes
 * behind one that may be.
 */
bool subscriber_hold(struct subscriber *s, uint64_t number, uint64_t publication,
		     struct event_text *text);
/* Gives what need not be held any more. */
void subscriber_release(struct subscriber *s);
/*
 * With the session the id is lost by which an own event would be known: what is
 * held and came behind the publication is part of the gap that follows.
 */
void subscriber_drop_since(struct subscriber *s, uint64_t number);
/* Removes a held event of this publication; whether there was one. */
bool subscriber_take_back(struct subscriber *s, uint64_t publication);

/* events.c */
void events_deliver(struct link *l, const struct session_event *event);
/* An event that is on its way is not given to the subscriber; whether there is one. */
bool events_exclude(const struct subscriber *s, uint64_t publication);
/* The subscription ends. */
void events_forget(const struct handle *h);
void events_drop_all(struct link *l);
/* One event for one subscription, if it is for it. */
void event_give(struct handle *h, uint64_t number, struct event_text *text);

/* publish.c */
void publish_request(struct program *p, struct link *l, const struct request *r);
void publish_answer(struct publication *pub, const struct session_event *event);
void publish_timeout(struct publication *pub);
void publish_fail(struct publication *pub, enum error_code code, const char *message);
struct publication *publish_free(struct publication *pub);
/* Nothing is left that it must be kept from; an answer may still be awaited. */
void publish_forget_subscriber(struct publication *pub);
/* The publication whose EVENT this is, if its own program must not hear it; else NULL. */
struct publication *publish_find_own(const struct want *w, uint64_t publication);

/* watch.c */
void watch_request(struct program *p, const struct request *r);
void watch_undo(struct program *p, const struct request *r);
struct watch *watch_free(struct watch *w);
void watch_changed(struct link *l);
/* The members of a session line behind "session": shared with list sessions. */
void watch_write_link(struct buf *b, const struct link *l);
/* RFC 3339, in quotes. */
void watch_write_time(struct buf *b, uint64_t wall_ms);

/* status.c */
void status_request(struct program *p, const struct request *r);
void status_list(struct program *p, const struct request *r);
void status_greet(struct program *p);

/* drain.c */
void drain_advance(struct hub *hub);
bool drain_refuses(const struct program *p, const struct request *r);

/* router_error.c */
/* The members code … kwargs of an error that a router or a callee sent. */
void router_error_write(struct buf *b, const struct session_event *event, bool with_payload);
/* {"code":…,"uri":…,"message":… without the closing brace. */
void router_error_write_head(struct buf *b, struct slice uri, struct slice message);

/* payload.c */
void payload_write(struct buf *b, const struct wamp_msg *msg);
