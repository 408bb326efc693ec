/* json_put.h -- a JSON object that is whole or NULL: memory that runs out on the way must not leave out a
 * key. */
#ifndef THALWEG_JSON_PUT_H
#define THALWEG_JSON_PUT_H

#include <jansson.h>

/** Add a key; the value is taken over. A value or an object that is NULL makes the object NULL. */
static inline void tw_json_put(json_t **object, const char *name, json_t *value)
{
    if (json_object_set_new(*object, name, value) == 0) return;
    json_decref(*object);
    *object = NULL;
}

/** Add an element, in the same way. */
static inline void tw_json_append(json_t **array, json_t *value)
{
    if (json_array_append_new(*array, value) == 0) return;
    json_decref(*array);
    *array = NULL;
}

#endif
