import ast
from pathlib import Path

import pytest

from shared.commits import declarations, patches
from shared.commits.declarations import finder_for


def declared(path: str, line: str) -> str | None:
    find = finder_for(path)
    assert find is not None
    return find(line)


@pytest.mark.parametrize(
    ("path", "line", "name"),
    [
        ("a.py", "    async def total(self, items: list[Item]) -> Money:", "total"),
        ("a.py", "class Cart(Base):", "Cart"),
        ("a.rb", "  def self.total(items)", "total"),
        ("a.rb", "  private def empty?", "empty?"),
        ("a.rb", "class Shop::Cart < Base", "Cart"),
        ("a.js", "export default async function total(items) {", "total"),
        ("a.js", "const total = async (items) => {", "total"),
        ("a.js", "  total(items) {", "total"),
        ("a.js", "module.exports.total = function (items) {", "total"),
        ("a.ts", "  private async total<T>(items: T[]): Promise<Money> {", "total"),
        ("a.ts", "export const total = (items: Item[]): Money => items.length;", "total"),
        ("a.tsx", "export const Cart = React.memo(({ items }) => {", "Cart"),
        ("a.vue", "    total: function () {", "total"),
        ("a.ts", "export abstract class Cart {", "Cart"),
        ("a.go", "func (c *Cart) Total(items []Item) (Money, error) {", "Total"),
        ("a.go", "func Total[T any](items []T) Money {", "Total"),
        ("a.go", "type Cart struct {", "Cart"),
        ("a.rs", "    pub(crate) async fn total(&self) -> Money {", "total"),
        ("a.rs", "impl<T: Into<Money>> Display for shop::Cart<T> {", "Cart"),
        ("A.java", "    public static <T> Map<String, T> total(List<Item> items) {", "total"),
        ("A.java", '    @Get("/cart") public Money total() throws IOException {', "total"),
        ("A.java", "    public Cart(List<Item> items) {", "Cart"),
        ("A.java", "    Cart(List<Item> items) {", "Cart"),
        ("A.java", "public final class Cart extends Base {", "Cart"),
        ("A.java", "    public Money total(", "total"),
        ("a.cs", "    [HttpGet] public async Task<Money> Total(int id)", "Total"),
        ("a.c", "static int *total(const struct item *items)", "total"),
        ("a.cpp", "Money shop::Cart::total() const {", "total"),
        ("a.cpp", "Cart::Cart(int size) : size_(size) {", "Cart"),
        ("a.kt", "    override suspend fun <T> List<T>.total(by: Int): Money {", "total"),
        ("a.kt", "data class Cart(val items: List<Item>)", "Cart"),
        ("a.swift", "    public func total(items: [Item]) -> Money {", "total"),
        ("a.scala", "  override def total(items: List[Item]): Money =", "total"),
        ("a.php", "    public static function &total(array $items): Money", "total"),
        ("a.ex", "  defp total(items) do", "total"),
        ("a.ex", "defmodule Shop.Cart do", "Cart"),
        ("a.pl", "sub total {", "total"),
        ("a.lua", "function Cart:total(items)", "total"),
        ("a.sh", "send_total() {", "send_total"),
        ("a.clj", "(defn total [items]", "total"),
        ("a.dart", "  Future<Money> total(List<Item> items) async {", "total"),
        ("a.groovy", "    def total(items) {", "total"),
        ("a.ts", "  private readonly total = (items: Item[]): Money => {", "total"),
        ("a.ts", "  total: Handler = async (items) => {", "total"),
        ("a.ts", "export const total = async <T,>(items: T[]): Promise<T> => {", "total"),
        ("A.java", "    public synchronized Money total(int id) {", "total"),
        ("a.cs", "    private Task<List<Money>> Total<T>(T item) where T : class", "Total"),
        ("a.c", "struct cart *cart_new(void)", "cart_new"),
        ("a.c", "struct cart {", "cart"),
        ("a.m", "- (Money *)totalOf:(NSArray *)items with:(int)rate {", "totalOf"),
        ("a.m", "static int total(int id) {", "total"),
        ("a.fs", "let rec total items =", "total"),
        ("a.fs", "    member this.Total(items) =", "Total"),
        ("a.vb", "    Private Async Function Total(id As Integer) As Task", "Total"),
        ("a.erl", "total(Cart) when Cart > 0 ->", "total"),
        ("a.jl", "function total(items)", "total"),
        ("a.jl", "total(items) = sum(items)", "total"),
        ("a.r", "total <- function(items) {", "total"),
        ("a.ml", "let rec total items =", "total"),
        ("a.nim", "proc total*(items: seq[int]): int =", "total"),
        ("a.zig", "pub fn total(items: []i32) !void {", "total"),
        ("a.sol", "    function total(uint id) public {", "total"),
        ("a.cr", "  def total : Int32", "total"),
    ],
)
def test_a_declaration_is_known_by_its_name(path: str, line: str, name: str) -> None:
    assert declared(path, line) == name


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", "    total(items)"),
        ("a.py", "    x = default(items)"),
        ("a.js", "  if (items.length) {"),
        ("a.js", "  } else if (empty(items)) {"),
        ("a.js", "  total(items);"),
        ("a.js", "  const total = sum(items);"),
        ("a.js", "  const total = (a + b) * 2;"),
        ("a.js", "  switch (total) {"),
        ("a.ts", "  return total(items, () => {"),
        ("A.java", "        return total(items);"),
        ("A.java", "        Money sum = total(items);"),
        ("A.java", "        throw new EmptyCart("),
        ("A.java", "        while (next(items)) {"),
        ("A.java", "        } catch (IOException e) {"),
        ("A.java", "        items.forEach(item -> {"),
        ("A.java", "        total(items)"),
        ("a.c", "    else if (total(items))"),
        ("a.c", "#define TOTAL(x) (x)"),
        ("a.go", "\tif err := total(items); err != nil {"),
        ("a.rs", "    let sum = total(&items);"),
        ("a.rb", "    total(items)"),
        ("a.kt", "    val sum = total(items)"),
        ("a.php", "    $sum = total($items);"),
        ("A.java", "        synchronized (items) {"),
        ("a.c", "static const struct cart *empty = &none;"),
        ("a.m", "    [self totalOf:items];"),
        ("a.fs", "    let sum = total items"),
        ("a.vb", "        total(items)"),
        ("a.erl", "    total(Cart),"),
        ("a.jl", "    sum = total(items)"),
        ("a.r", "sum <- total(items)"),
        ("a.ml", "  let sum = total items in"),
    ],
)
def test_a_call_or_a_statement_declares_nothing(path: str, line: str) -> None:
    assert declared(path, line) is None


@pytest.mark.parametrize("path", ["README.md", "a.json", "poetry.lock", "Makefile", "a.css", ""])
def test_what_has_no_functions_is_not_searched(path: str) -> None:
    assert finder_for(path) is None


@pytest.mark.parametrize(
    "extension",
    [
        *("py", "rb", "ts", "go", "rs", "java", "kt", "php", "swift"),
        *("m", "fs", "vb", "erl", "jl", "ml"),
    ],
)
def test_no_line_is_read_for_ever(extension: str) -> None:
    find = finder_for(f"a.{extension}")
    assert find is not None
    for part in ("public ", "a.", "(", "a<", "@a ", "[a]", "a => ", "export ", "x ", "a(", "::a"):
        find((part * declarations.MAX_LINE)[: declarations.MAX_LINE])


@pytest.mark.parametrize("module", [declarations, patches])
def test_what_runs_in_ci_needs_no_new_python(module: object) -> None:
    path = getattr(module, "__file__", None)
    assert path is not None
    ast.parse(Path(path).read_text(), feature_version=(3, 8))
