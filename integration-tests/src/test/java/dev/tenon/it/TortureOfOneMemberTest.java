package dev.tenon.it;

import dev.tenon.bridge.perl.SidecarSettings;

/** The same with a plugin that is alone in the process that has loaded it. */
class TortureOfOneMemberTest extends TortureTest {
    @Override
    SidecarSettings change(SidecarSettings settings) {
        return settings.withMembers(1);
    }
}
