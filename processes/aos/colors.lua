--[[ Terminal colours of the prompt and of printed values. ]]
return { red = '\27[31m', green = '\27[32m', blue = '\27[34m', gray = '\27[90m', reset = '\27[0m' }
