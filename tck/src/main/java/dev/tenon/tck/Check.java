package dev.tenon.tck;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** What a test of the contract is about. What it checks, its name says. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Check {
    /** The methods of PVE's API that it checks, the one that matters most first. */
    String[] calls();

    /** What callers of a plugin do that fails here, in one sentence. */
    String otherwise();
}
