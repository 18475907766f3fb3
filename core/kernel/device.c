// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/kernel/device.h"
#include "core/kernel/internal.h"

enum err kernel_device_register(struct kernel *kernel, const struct kernel_device_config *config,
                                struct kernel_device **out)
{
    struct memory *memory = kernel_memory(kernel);
    struct kernel_device *device = memory_take(memory, sizeof *device);
    if (device == NULL) {
        return ERR_NO_MEMORY;
    }
    *device = (struct kernel_device){.kernel = kernel, .config = *config};
    party_init(&device->party, PARTY_DEVICE);
    enum err err = interface_define(memory, config->interface, &device->definition);
    if (err == ERR_OK) {
        struct registration *unused;
        kernel_lock(kernel);
        err = kernel->device_count == KERNEL_DEVICES
                  ? ERR_LIMIT
                  : registration_add_locked(kernel, &device->party, &device->definition, &unused);
        if (err == ERR_OK) {
            kernel->devices[kernel->device_count++] = device;
        }
        kernel_unlock(kernel);
    }
    if (err != ERR_OK) {
        interface_undefine(memory, &device->definition);
        memory_give(memory, device, sizeof *device);
        return err;
    }
    *out = device;
    return ERR_OK;
}

// Takes the first note off, and says what it is.
static void take_note_locked(struct kernel_device *device, struct note *note,
                             struct kernel_event *out)
{
    struct kernel *kernel = device->kernel;
    u32 kind = note->kind;
    note->kind = NOTE_NONE;
    list_remove(&note->node);
    if (kind == NOTE_CLIENT_GONE) {
        struct bond *bond = CONTAINER_OF(note, struct bond, gone);
        *out = (struct kernel_event){.kind = KERNEL_EVENT_CLIENT_GONE, .client = bond->client};
        bond_free_locked(kernel, bond);
        return;
    }
    struct message *message = CONTAINER_OF(note, struct message, handler_note);
    *out = (struct kernel_event){
        .kind = kind == NOTE_MESSAGE ? KERNEL_EVENT_MESSAGE : KERNEL_EVENT_CANCELLED,
        .id = message->id,
        .function = message->function,
        .client = message->client_number,
    };
    if (kind == NOTE_MESSAGE) {
        out->body = span_of(message->body, message->body_len);
        message->state = MESSAGE_HELD;
    }
    list_append(&device->party.held, &note->node);
    if (message->id == 0) {
        device->last = message;
    }
}

bool kernel_device_take(struct kernel_device *device, struct kernel_event *out)
{
    struct kernel *kernel = device->kernel;
    kernel_lock(kernel);
    if (device->last != NULL) {
        message_unlink_handler_locked(device->last);
        message_free_locked(kernel, device->last);
        device->last = NULL;
    }
    struct list_node *node = list_first(&device->party.notes);
    if (node != NULL) {
        take_note_locked(device, LIST_ITEM(node, struct note, node), out);
    }
    kernel_unlock(kernel);
    return node != NULL;
}

enum err kernel_device_limits(struct kernel_device *device, u64 client, u8 *to, size_t *size)
{
    struct kernel *kernel = device->kernel;
    struct span limits[KERNEL_LINEAGE + 1];
    struct wire_writer out = wire_writer_over(to, KERNEL_LIMITS_BYTES);
    u32 count = 0;
    kernel_lock(kernel);
    const struct bond *bond = grant_client_locked(kernel, &device->party, client);
    if (bond != NULL) {
        count = grant_limits_locked(kernel, bond->process, bond->definition, limits);
    }
    wire_write_u32(&out, count);
    for (u32 i = 0; i < count; i++) {
        wire_write_bytes(&out, limits[i]);
    }
    kernel_unlock(kernel);
    ASSERT(out.size <= KERNEL_LIMITS_BYTES);
    *size = out.size;
    return bond != NULL || client == 0 ? ERR_OK : ERR_NOT_FOUND;
}

// The message, if this device holds it.
static struct message *find_held_locked(struct kernel_device *device, u64 id)
{
    struct message *message = message_find_locked(device->kernel, id);
    bool is_held = message != NULL && message->handler == &device->party &&
                   message->handler_note.kind != NOTE_MESSAGE;
    return is_held ? message : NULL;
}

void kernel_device_answer(struct kernel_device *device, u64 id, struct span body)
{
    struct kernel *kernel = device->kernel;
    u8 *allocated = NULL;
    if (body.size > KERNEL_BODY_INLINE && body.size <= KERNEL_BODY_BYTES) {
        allocated = body_new(kernel, (u32)body.size);
        if (allocated != NULL) {
            mem_copy(allocated, body.data, body.size);
        }
    }
    kernel_lock(kernel);
    struct message *message = find_held_locked(device, id);
    if (message == NULL) {
        if (allocated != NULL) {
            body_free(kernel, allocated, (u32)body.size);
        }
    } else if (body.size > KERNEL_BODY_BYTES) {
        message_answer_error_locked(kernel, message, -E_TOO_LONG);
    } else {
        message_answer_locked(kernel, message,
                              allocated == NULL ? body : span_of(allocated, body.size), allocated);
    }
    kernel_unlock(kernel);
}

u8 *kernel_device_room(struct kernel_device *device, u32 size)
{
    ASSERT(size > KERNEL_BODY_INLINE && size <= KERNEL_BODY_BYTES);
    return body_new(device->kernel, size);
}

void kernel_device_room_drop(struct kernel_device *device, u8 *room, u32 size)
{
    body_free(device->kernel, room, size);
}

void kernel_device_answer_room(struct kernel_device *device, u64 id, u8 *room, u32 size)
{
    struct kernel *kernel = device->kernel;
    kernel_lock(kernel);
    struct message *message = find_held_locked(device, id);
    if (message == NULL) {
        body_free(kernel, room, size);
    } else {
        message_answer_locked(kernel, message, span_of(room, size), room);
    }
    kernel_unlock(kernel);
}

void kernel_device_answer_error(struct kernel_device *device, u64 id, u32 code)
{
    struct kernel *kernel = device->kernel;
    kernel_lock(kernel);
    struct message *message = find_held_locked(device, id);
    if (message != NULL) {
        message_answer_error_locked(kernel, message, code);
    }
    kernel_unlock(kernel);
}
