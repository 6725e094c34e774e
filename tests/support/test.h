/* test.h - cmocka.h with what it needs before it, so that a formatter cannot sort it to the wrong place. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
