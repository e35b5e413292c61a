package dev.tenon.cli.host;

import picocli.CommandLine.Option;

/** For commands that print something. */
public final class JsonOption {
    @Option(names = "--json", description = "print JSON, for machines: sizes in bytes, times in seconds since 1970")
    private boolean json;

    public boolean isGiven() {
        return json;
    }
}
