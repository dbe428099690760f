import IndexKernel
import Testing

/// What is found, one declaration a line: `kind scope.name first-last`.
private func outline(_ family: Syntax.Family, _ text: String) -> [String] {
  DeclarationScanner.scan(Array(text.utf8), Syntax(family)).map { found in
    let scope = found.scope.map { String(decoding: $0, as: UTF8.self) + "." } ?? ""
    return "\(found.kind.word) \(scope)\(String(decoding: found.name, as: UTF8.self)) \(found.line)-\(found.endLine)"
  }
}

/// Texts, quotes and brackets that are no code must not swallow the declarations behind them.
@Suite struct DeclarationTextTests {
  @Test func rubyTextsAndMarks() {
    let text = ###"""
      class Cart
        def empty?
          @items.none? { |item| item.name =~ /["']/ }
        rescue KeyError
          "#{names["a"]} don't"
        end

        def items=(list)
          puts <<~TEXT
            def inside
            don't
          TEXT
        end

        def <=>(other) = total <=> other.total
        private def seal!
          %w[a ' "].freeze
        end
      end
      """###
    #expect(
      outline(.ruby, text) == [
        "class Cart 1-19", "method Cart.empty? 2-6", "method Cart.items= 8-13", "method Cart.<=> 15-15",
        "method Cart.seal! 16-18",
      ])
  }

  @Test func elixirTextsAndSigils() {
    let text = ###"""
      defmodule Cart do
        @doc """
        Isn't it "empty"?
        def no, do: 1
        """
        def empty?(cart), do: cart.items == []

        defp clean(text) do
          String.replace(text, ~r/["']/, "#{text["a"]}")
        end
      end
      """###
    #expect(
      outline(.elixir, text) == [
        "namespace Cart 1-11", "method Cart.empty? 6-6", "method Cart.clean 8-10",
      ])
  }

  @Test func cSharpVerbatimAndExpressions() {
    let text = ###"""
      class Cart
      {
          public int Total => items.Sum();
          public string Text(int a) => $"{names["x"]}: {a}";
      #if DEBUG
          public void Put(int a) {
      #else
          public void Put(long a) {
      #endif
              path = @"c:\";
              text = @"{
        ""a"": 1
      }";
          }
          public JToken? Find(string? key)
          {
              return null;
          }
      }
      """###
    #expect(
      outline(.cSharp, text) == [
        "class Cart 1-19", "property Cart.Total 3-3", "method Cart.Text 4-4", "method Cart.Put 6-6",
        "method Cart.Put 8-14", "method Cart.Find 15-18",
      ])
  }

  @Test func kotlinExpressionsAndNamesInBackticks() {
    let text = ###"""
      class Cart(val items: List<Item>) {
          fun total(): Int = items
              .sumOf { it.price }

          val isEmpty: Boolean
              get() = items.isEmpty()

          fun `adds one`() {
              println("${names["a"]}")
          }
      }
      fun interface Rule {
          fun holds(cart: Cart): Boolean
      }
      """###
    #expect(
      outline(.kotlin, text) == [
        "class Cart 1-11", "method Cart.total 2-3", "property Cart.get 6-6", "method Cart.adds one 8-10",
        "interface Rule 12-14",
      ])
  }

  @Test func scalaExpressions() {
    let text = ###"""
      object Cart {
        def total(items: Seq[Item]) = items.map(_.price).sum
        def first: Item = items.head
        def all(n: Int): Seq[Item] = {
          items
        }
      }
      """###
    #expect(
      outline(.kotlin, text) == [
        "class Cart 1-7", "method Cart.total 2-2", "method Cart.first 3-3", "method Cart.all 4-6",
      ])
  }

  @Test func phpTexts() {
    let text = ###"""
      <?php
      class Cart {
          public function help(): string {
              return <<<TEXT
      Don't { forget
      TEXT;
          }
          public function total(): int {
              return 1;
          }
      }
      """###
    #expect(
      outline(.php, text) == [
        "class Cart 1-11", "method Cart.help 3-7", "method Cart.total 8-10",
      ])
  }

  @Test func cPlusPlusTemplatesAndMacros() {
    let text = ###"""
      BEGIN_WARNINGS_()
      namespace shop {
      template <typename T, ENABLE_IF(is_signed<T>::value)>
      constexpr auto is_negative(T value) -> bool {
        return text == R"(don't " {)";
      }
      }
      """###
    #expect(
      outline(.cPlus, text) == [
        "namespace shop 1-7", "method shop.is_negative 3-6",
      ])
  }
}
