package Tenon::Inspect::StandIn;

use v5.36;

use Tenon::Inspect::Modules;
use Tenon::Inspect::Names;

# Answers, after all directories, for what is not there: PVE's modules if there is no PVE, and those that are named. It
# returns the list of those it answered for.
sub install ($is_without_pve, @modules) {
    my %wanted = map { $_ => 1 } @modules;
    my @answered;
    push @INC, sub ($self, $file) {
        return if $file !~ m{\A\w+(?:/\w+)*\.pm\z};
        my $module = $file =~ s{/}{::}gr =~ s/\.pm\z//r;
        return
            if !$wanted{$module}
            && !($is_without_pve && $module =~ m/\APVE::(?!Storage::Custom::)/);
        push @answered, $module;
        my $source = _source($module);
        open(my $fh, '<', \$source) or die "cannot stand in for $module: $!\n";
        return $fh;
    };
    return \@answered;
}

# On a host these are in memory before a plugin is compiled.
sub preload () {
    for my $module (Tenon::Inspect::Names->load->modules) {
        my $file = ($module =~ s{::}{/}gr) . '.pm';
        require $file;
    }
    return;
}

sub _source ($module) {
    my $names = Tenon::Inspect::Names->load;
    my $source = "package $module;\nuse strict;\n";
    $source .= "our \@ISA = ('PVE::Storage::Plugin');\n" if $names->is_plugin_class($module);
    for my $name ($names->is_module($module) ? $names->functions($module) : ()) {
        next if $names->is_plugin_class($module) && PVE::Storage::Plugin->can($name);
        $source .= "sub $name { die \"$module\::$name is not here\\n\" }\n";
    }
    $source .= _anything() if !$names->is_module($module);
    return $source . "sub import { Tenon::Inspect::StandIn::export(\@_) }\n1;\n";
}

# An unknown module allows everything while a plugin is compiled. The constants are those that JSON modules have, and that
# are written without parentheses.
sub _anything () {
    return <<~'SOURCE';
        our $AUTOLOAD;
        sub AUTOLOAD { return }
        sub false { 0 }
        sub true { 1 }
        SOURCE
}

# As the module would; an unknown module exports everything that is asked for.
sub export ($module, @wanted) {
    my $names = Tenon::Inspect::Names->load;
    my $is_known = $names->is_module($module);
    @wanted = $names->exports($module, 1) if $is_known && !@wanted;
    my $caller = caller(1);
    for my $wanted (@wanted) {
        my ($sigil, $name) = $wanted =~ m/\A([&\$]?)(\w+)\z/ or next;
        die "\"$wanted\" is not exported by the $module module\n"
            if $is_known && $sigil ne '$' && !$names->is_exported($module, $name);
        no strict 'refs'; ## no critic (ProhibitNoStrict)
        *{"${caller}::$name"} =
              $sigil eq '$' ? \bless({}, $module)
            : $is_known ? \&{"${module}::$name"}
            : sub { };
    }
    return;
}

1;

__END__

=head1 NAME

Tenon::Inspect::StandIn - empty modules in place of those that are missing

=head1 SYNOPSIS

    my $answered = Tenon::Inspect::StandIn::install($is_without_pve, @modules);

=head1 DESCRIPTION

Only for looking at a plugin, never for hosting one: its file is compiled and asked what it is, without calling what it
uses. A stand-in exports what the module would. The functions of PVE's die, those of others do nothing.

=head1 FUNCTIONS

=head2 install

Returns an array reference that grows by the names of the modules that were stood in for.

=head2 preload

Loads every module of PVE that plugins find in memory on a host.

=head2 export

What a stand-in's C<import> does.

=cut
