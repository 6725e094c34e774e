-- What a health check of type command asks: it answers as it is told, or not at all.
local answer = { status = "passing", output = "as told" }

zooid.command("be", { help = "STATUS OUTPUT: answers so from now on" }, function(args)
    answer = { status = args[1], output = args[2] }
    return "so be it"
end)

zooid.command("how", { help = ": how it is" }, function(args)
    if answer.status == "hang" then zooid.sleep(3600000) end
    if answer.status == "break" then error("broken") end
    return { status = answer.status, output = answer.output .. (args[1] or "") }
end)
