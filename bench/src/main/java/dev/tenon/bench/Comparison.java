package dev.tenon.bench;

/** One line of the table: the same call to Tenon and to an echo, in turns. */
record Comparison(String what, Series tenon, Series echo) {}
