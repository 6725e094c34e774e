/* local_command.c - the admin server's commands, for local clients. Who may read may ask for what is only looked at. */
#include "agent/local/local_internal.h"
#include "agent/local/local_ops.h"

enum status local_command(struct local_client *c, struct local_request *request, const to_agent *m)
{
    const struct local_commands *commands = c->local->parts.commands;
    const char *name = m->command->name;
    from_agent answer = ZOOID__LOCAL__FROM_AGENT__INIT;
    Zooid__Local__Report report = ZOOID__LOCAL__REPORT__INIT;
    struct buffer json = {0};
    if (commands == NULL)
        return local_refuse(request, ZOOID__LOCAL__CODE__UNIMPLEMENTED, NULL);
    if (name == NULL || !commands->has(name))
        return local_refuse(request, ZOOID__LOCAL__CODE__BAD_ARGUMENTS, "there is no command of that name");
    if (commands->changes(name) && !c->may_admin)
        return local_refuse(request, ZOOID__LOCAL__CODE__NOT_PERMITTED,
                            "the command changes something, which zooid.localAdmin permits");
    enum status st = commands->answer(commands->overview, name, &json);
    if (st == ST_OK)
        st = buffer_append(&json, "", 1);
    if (st == ST_OK) {
        report.json = (char *)json.data;
        answer.body_case = ZOOID__LOCAL__FROM_AGENT__BODY_REPORT;
        answer.report = &report;
        st = local_answer(request, &answer);
    }
    buffer_free(&json);
    return st;
}
