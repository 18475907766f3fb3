// SPDX-License-Identifier: GPL-3.0-or-later
// Questions to whoever handles `consent`: one for each program, right and interface that nobody has
// said anything about, however many binds (or registers) wait for the answer. The kernel asks as a
// client; whoever answers may take as long as it likes, and is believed about nothing but the
// answer.
#include "interfaces/consent.h"
#include "core/base/cid.h"
#include "core/base/text.h"
#include "core/base/utf8.h"
#include "core/kernel/internal.h"

// ---- asking

static struct question *find_open(struct kernel *kernel, const u8 program[32],
                                  enum kernel_right right, const u8 interface[32])
{
    struct list_node *node = list_first(&kernel->open_questions);
    while (node != NULL) { // at most KERNEL_QUESTIONS
        struct question *question = LIST_ITEM(node, struct question, of_kernel);
        if (question->right == right && mem_equal(question->program, program, 32) &&
            mem_equal(question->interface, interface, 32)) {
            return question;
        }
        node = list_next(&kernel->open_questions, node);
    }
    return NULL;
}

// Who is to be asked about that program for that process: not itself.
static struct registration *find_asked(struct kernel *kernel, const struct process *process,
                                       const u8 program[32])
{
    const struct interface_entry *seat =
        route_find_locked(kernel, process, kernel->consent.name).entry;
    struct registration *handler = seat == NULL ? NULL : seat->handler;
    bool fits =
        handler != NULL && definition_missing(&kernel->consent, handler->definition) == NULL;
    if (!fits) {
        return NULL;
    }
    if (handler->party->kind != PARTY_PROCESS) {
        return handler;
    }
    const struct process *asked = party_process(handler->party)->leader;
    bool is_itself = asked == process->leader || mem_equal(asked->program->digest, program, 32);
    return is_itself ? NULL : handler;
}

// What the handler of that very interface says that it gives.
static struct span gives(struct kernel *kernel, const struct definition *definition)
{
    const struct registration *handler = handler_find_locked(kernel, definition);
    bool is_it = handler != NULL && mem_equal(handler->definition->hash, definition->hash, 32);
    return is_it ? utf8_first(handler->definition->words, KERNEL_WORDS) : (struct span){0};
}

// The kernel's message, without its place in a queue; NULL: no memory.
static struct message *message_make(struct kernel *kernel, const struct process *process,
                                    enum kernel_right right, const struct definition *definition,
                                    const struct grant_walk *about)
{
    char name[CID_TEXT_BYTES];
    char digits[2 * sizeof definition->hash + 1]; // and a zero
    struct text hash = text_over(digits, sizeof digits);
    struct cid cid = {.codec = about->codec};
    mem_copy(cid.digest, about->program, sizeof cid.digest);
    cid_write_text(&cid, name);
    text_hex_bytes(&hash, span_of(definition->hash, sizeof definition->hash));
    bool is_own = about->program == process->leader->program->digest;
    struct consent_ask_call call = {
        .question =
            {
                .wish = right == KERNEL_HANDLE ? CONSENT_RIGHT_HANDLE : CONSENT_RIGHT_USE,
                .program = span_string(name),
                .name = is_own ? process_started_as(process->leader) : (struct span){0},
                .wanted = definition->name,
                .hash = span_of(hash.data, hash.size),
                .words = gives(kernel, definition),
            },
    };
    size_t size = consent_ask_encode_call(NULL, 0, &call);
    ASSERT(size > KERNEL_BODY_INLINE && size <= KERNEL_BODY_BYTES);
    u8 *body = body_new(kernel, (u32)size);
    struct message *message = body == NULL ? NULL : message_new_locked(kernel, NULL, true);
    if (message == NULL) {
        if (body != NULL) {
            body_free(kernel, body, (u32)size);
        }
        return NULL;
    }
    (void)consent_ask_encode_call(body, size, &call);
    message->function = CONSENT_ASK_ID;
    message->client_number = 0;
    message->bond = NULL;
    message_set_body_locked(kernel, message, span_of(body, size), body);
    return message;
}

static enum err question_new(struct kernel *kernel, struct process *process,
                             enum kernel_right right, const struct definition *definition,
                             const struct grant_walk *about, struct question **out)
{
    struct registration *handler = find_asked(kernel, process, about->program);
    if (handler == NULL) {
        return ERR_DENIED;
    }
    struct process *family = process->leader->family;
    struct question *question =
        family->family_questions < KERNEL_FAMILY_QUESTIONS ? pool_take(&kernel->questions) : NULL;
    if (question == NULL) {
        return ERR_LIMIT;
    }
    struct message *message = message_make(kernel, process, right, definition, about);
    if (message == NULL) {
        pool_give(&kernel->questions, question);
        return ERR_LIMIT;
    }
    list_init(&question->waiting);
    mem_copy(question->program, about->program, sizeof question->program);
    mem_copy(question->interface, definition->hash, sizeof question->interface);
    question->right = (u8)right;
    question->codec = about->codec;
    question->family = family;
    family->family_questions++;
    question->asked = message;
    message->question = question;
    list_append(&kernel->open_questions, &question->of_kernel);
    message_queue_locked(kernel, message, handler);
    *out = question;
    return ERR_OK;
}

enum err consent_ask_locked(struct kernel *kernel, struct process *process, struct message *message,
                            enum kernel_right right, const struct definition *definition,
                            const struct grant_walk *about)
{
    struct question *question = find_open(kernel, about->program, right, definition->hash);
    if (question == NULL) {
        TRY(question_new(kernel, process, right, definition, about, &question));
    }
    message->pending = PENDING_CONSENT;
    message->definition = definition;
    message->question = question;
    list_append(&question->waiting, &message->handler_note.node);
    return ERR_OK;
}

// ---- the end of a question

static void question_drop(struct kernel *kernel, struct question *question)
{
    struct process *family = question->family;
    ASSERT(list_is_empty(&question->waiting) && question->asked == NULL);
    list_remove(&question->of_kernel);
    pool_give(&kernel->questions, question);
    ASSERT(family->family_questions > 0);
    family->family_questions--;
    process_release_locked(kernel, family);
}

static void withdraw(struct kernel *kernel, struct question *question)
{
    struct message *message = question->asked;
    question->asked = NULL;
    message->question = NULL;
    message_withdraw_locked(kernel, message);
}

// Those who wait are told by and by.
static void settle(struct kernel *kernel, struct question *question, bool is_denied)
{
    ASSERT(question->asked == NULL);
    question->is_denied = is_denied;
    list_remove(&question->of_kernel);
    list_append(&kernel->answered, &question->of_kernel);
    workers_wake_locked(kernel);
}

void consent_left_locked(struct kernel *kernel, struct question *question)
{
    if (question->asked != NULL && list_is_empty(&question->waiting)) {
        withdraw(kernel, question);
        question_drop(kernel, question);
    }
}

// Tells the machine, if it wants to know, what it is to keep.
static void tell_learned(struct kernel *kernel, const struct question *question)
{
    const struct list_node *first = list_first(&question->waiting);
    if (kernel->config.learned == NULL || first == NULL) {
        return;
    }
    char name[CID_TEXT_BYTES];
    struct cid cid = {.codec = question->codec};
    mem_copy(cid.digest, question->program, sizeof cid.digest);
    cid_write_text(&cid, name);
    struct kernel_learned learned = {
        .right = question->right,
        .cid = span_string(name),
        .interface = question->interface,
        .name = LIST_ITEM(first, struct message, handler_note.node)->definition->name,
    };
    kernel->config.learned(kernel->config.learned_context, &learned);
}

void consent_answered_locked(struct kernel *kernel, struct message *message, struct span body,
                             u8 *allocated, u32 error)
{
    struct question *question = message->question;
    ASSERT(question->asked == message);
    question->asked = NULL;
    message->question = NULL;
    enum consent_answer answer = CONSENT_ANSWER_NO;
    bool is_answer = error == 0 && consent_ask_decode_result(body, &answer) == ERR_OK;
    message_free_locked(kernel, message);
    if (allocated != NULL) {
        body_free(kernel, allocated, (u32)body.size);
    }
    enum err err = ERR_DENIED;
    if (is_answer) {
        struct kernel_grant grant = {
            .right = (enum kernel_right)question->right,
            .word = answer == CONSENT_ANSWER_NO ? KERNEL_DENY : KERNEL_ALLOW,
            .is_learned = answer == CONSENT_ANSWER_ALWAYS,
        };
        mem_copy(grant.program, question->program, sizeof grant.program);
        mem_copy(grant.interface, question->interface, sizeof grant.interface);
        err = grant_learn_locked(kernel, &grant); // ERR_EXISTS: the user was faster
        if (err == ERR_OK && grant.is_learned) {
            tell_learned(kernel, question);
        }
    }
    settle(kernel, question, err != ERR_OK && err != ERR_EXISTS);
}

void consent_changed_locked(struct kernel *kernel)
{
    struct list_node *node = list_first(&kernel->open_questions);
    while (node != NULL) { // at most KERNEL_QUESTIONS
        struct question *question = LIST_ITEM(node, struct question, of_kernel);
        node = list_next(&kernel->open_questions, node);
        if (grant_word_locked(kernel, (enum kernel_right)question->right, question->program,
                              question->interface) != KERNEL_ASK) {
            withdraw(kernel, question);
            settle(kernel, question, false);
        }
    }
}

void consent_step_locked(struct kernel *kernel)
{
    struct list_node *first = list_first(&kernel->answered);
    if (first == NULL) {
        return;
    }
    struct question *question = LIST_ITEM(first, struct question, of_kernel);
    struct list_node *node = NULL;
    for (u32 i = 0; i < KERNEL_SWEEP && (node = list_take(&question->waiting)) != NULL; i++) {
        struct message *message = LIST_ITEM(node, struct message, handler_note.node);
        if (question->right == KERNEL_HANDLE && !question->is_denied &&
            succession_is_swept_locked(kernel, &message->client->party, message->definition)) {
            list_prepend(&question->waiting, node); // the next step: it would wait without the lock
            return;
        }
        message->pending = PENDING_NONE;
        message->question = NULL;
        if (question->right == KERNEL_HANDLE) {
            system_register_again_locked(kernel, message, question->is_denied);
        } else {
            system_bind_again_locked(kernel, message, question->is_denied);
        }
    }
    if (list_is_empty(&question->waiting)) {
        question_drop(kernel, question);
    }
}
