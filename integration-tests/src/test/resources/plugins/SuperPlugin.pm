package PVE::Storage::Custom::SuperPlugin;

# Says what it does, and leaves it to its base class.

use strict;
use warnings;

use base qw(PVE::Storage::Plugin);

sub api { return 15 }

sub type { return 'supertest' }

sub plugindata {
    return { content => [{ images => 1, none => 1 }, { images => 1 }], format => [{ raw => 1 }, 'raw'] };
}

sub properties { return {} }

sub options { return { path => { fixed => 1 }, content => { optional => 1 }, disable => { optional => 1 } } }

sub volume_export {
    my ($class, @args) = @_;
    print "it exports\n";
    return $class->SUPER::volume_export(@args);
}

sub volume_import {
    my ($class, @args) = @_;
    print "it imports\n";
    return $class->SUPER::volume_import(@args);
}

1;
